"""The page about what a rule may ask, made from the declarations: `python -m routing_rules.reference`.

A test compares reference.md with `reference_text()`, so the page cannot fall behind.
"""

from __future__ import annotations

from pathlib import Path

from routing_rules.facts import FACTS, Fact

PAGE = Path(__file__).with_name("reference.md")


def reference_text() -> str:
    """Return reference.md."""
    rows = "\n".join(_row(fact) for fact in FACTS.values())
    return f"""# What a rule may ask / 规则可以用到的事实

Made from `facts.py`; do not edit by hand. A fact that is not known for a study makes the condition fail, and the
explanation says "not known". A *double* is compared with `65.0`, not with `65`.

| Fact | Type | Unit | 说明 | Meaning | Values | Source | Only raises priority (K3) |
|---|---|---|---|---|---|---|---|
{rows}

## Operators / 写法

| CEL | 说明 | Meaning |
|---|---|---|
| `study.modality == "CT"` | 等于 | equal |
| `study.modality in ["DX", "CR"]` | 其中之一 | one of |
| `study.description.contains("胸")` | 文字包含 | text contains |
| `study.description.matches("(?i)chest\\|thorax")` | 正则表达式 (RE2) | regular expression (RE2) |
| `arrival.hour >= 18 \\|\\| arrival.hour < 8` | 或者 | or |
| `!(study.kind == "ecg")` | 不是 | not |
| `ecg.statements.exists(s, s.contains("心肌梗死"))` | 任一语句 | any statement |
"""


def _row(fact: Fact) -> str:
    values = ", ".join(f"`{choice}`" for choice in fact.choices)
    kind = {"list(string)": "list of string"}.get(fact.type.value, fact.type.value)
    return (f"| `{fact.name}` | {kind} | {fact.unit} | {fact.zh} | {fact.en} | {values} | {fact.source} "
            f"| {'yes' if fact.is_measured else ''} |")


if __name__ == "__main__":
    PAGE.write_text(reference_text(), encoding="utf-8")
