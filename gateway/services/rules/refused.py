"""Say that a rule set was not taken, with every reason."""

from __future__ import annotations

from gateway.core.errors import InvalidRequest
from routing_rules.model import Problem


class RulesRefused(InvalidRequest):
    """The rule set has errors; nothing was activated. `problems` names each with line and column."""

    reason = "rules-invalid"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{p.line}:{p.column}: {p.zh} / {p.en}" for p in problems))
        self.problems = problems
