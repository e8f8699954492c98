"""Studies of the last weeks for which no rule says who reads them: they would go to the fallback group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from routing_rules.derived import with_derived
from routing_rules.facts import FACTS, FactValue
from routing_rules.model import Problem, RuleSet
from routing_rules.positions import Document
from routing_rules.questions import Sheet, questions_of

Arrival = tuple[Mapping[str, FactValue], datetime]
"""Facts of a study as they were when it was decided, and the local time of then."""


def unmatched_warnings(rules: RuleSet, document: Document, arrivals: Iterable[Arrival]) -> Iterator[Problem]:
    """One warning that counts them, and says of which modality and site most of them are; no patient data."""
    kinds: Counter[tuple[str, str]] = Counter()
    total = 0
    for facts, local_now in arrivals:
        total += 1
        if not is_matched(rules, facts, local_now):
            kinds[str(facts.get("study.modality", "?")), str(facts.get("site.id", "?"))] += 1
    count = sum(kinds.values())
    if not count:
        return
    place = document.key_place(("fallback",))
    most = kinds.most_common(3)
    zh = "、".join(f"{site} 的 {modality} {number} 例" for (modality, site), number in most)
    en = ", ".join(f"{number} of {modality} from {site}" for (modality, site), number in most)
    yield Problem(
        place.line, place.column,
        f"最近的 {total} 例检查中,有 {count} 例没有任何规则指定由谁阅片,会进入兜底组,最多的是:{zh}。"
        "请为它们加一条规则。",
        f"of the last {total} studies, no rule says who reads {count}: they would go to the fallback group. Most of "
        f"them: {en}. Add a rule for them.", is_warning=True)


def is_matched(rules: RuleSet, facts: Mapping[str, FactValue], local_now: datetime) -> bool:
    """True if a rule names a group or a reader for a study with these facts."""
    # A stored decision may know facts that have been given up since.
    known = {name: value for name, value in facts.items() if name in FACTS}
    sheet = Sheet(questions_of(rules), with_derived(rules, known, local_now, None))
    for index, rule in enumerate(rules.rules):
        names_somebody = (rule.group is not None or rule.reader is not None) and not rule.is_measured
        if (names_somebody or rule.stop) and sheet.rule_holds(index):
            return names_somebody
    return False
