"""What a rule set may say but probably does not mean, gathered from the files beside this one.

- `lint_conditions.py`: conditions never or always true, empty ranges, rules behind a `stop`;
- `lint_conflicts.py`: rules that match together and want different things;
- `lint_people.py`: unknown users, sites, destinations, calendars and groups; hours with nobody on duty;
- `lint_traffic.py`: studies of the last weeks for which no rule says who reads them.
"""

from __future__ import annotations

from routing_rules.analysis import Analysis
from routing_rules.lint_conditions import condition_warnings, reach_warnings
from routing_rules.lint_conflicts import conflict_warnings
from routing_rules.lint_people import roster_holes, unknown_in_conditions
from routing_rules.model import Problem, RuleSet
from routing_rules.positions import Document


def warnings_of(rules: RuleSet, document: Document) -> list[Problem]:
    """Everything that the text alone shows."""
    analysis = Analysis([rule.conditions for rule in rules.rules])
    return [*condition_warnings(rules, analysis, document), *reach_warnings(rules, analysis, document),
            *conflict_warnings(rules, analysis, document), *roster_holes(rules, document),
            *unknown_in_conditions(rules, document)]
