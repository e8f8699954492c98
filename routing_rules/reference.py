"""What is made from the declarations: the reference page, and the facts in the schema that editors read.

`python -m routing_rules.reference` writes both; tests compare them with the declarations, so they cannot fall behind.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from routing_rules.facts import FACTS, Fact
from routing_rules.then_words import THEN_WORDS

PAGE = Path(__file__).with_name("reference.md")
SCHEMA_FILE = Path(__file__).with_name("schema.json")


def reference_text() -> str:
    """Return reference.md."""
    rows = "\n".join(_row(fact) for fact in FACTS.values())
    actions = "\n".join(f"| `{key}` | {zh} | {en} |" for key, (zh, en) in THEN_WORDS.items())
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
| `"no_order" in study.quality` | 列表里有 | the list holds |
| `load.waiting["imaging"] > 10` | 某个值班组的数 | the number of a group |
| `"harvest" in arrival.calendars` | 规则自带的日历 | a calendar of the rule set |
| `arrival.is_holiday && !arrival.is_workday` | 真假值直接写 | a yes or no stands by itself |

`map` is refused, a pattern must be written out, and a condition that could take longer than 150 ms at worst does not
load (`limits.py`). A long text is seen with its first 1,000 characters, a list with its first 200 items.

## What a rule does / 规则的结果

| Key of `then` | 说明 | Meaning |
|---|---|---|
{actions}
"""


def _row(fact: Fact) -> str:
    values = ", ".join(f"`{choice}`" for choice in fact.choices)
    kind = {"list(string)": "list of string"}.get(fact.type.value, fact.type.value)
    return (f"| `{fact.name}` | {kind} | {fact.unit} | {fact.zh} | {fact.en} | {values} | {fact.source} "
            f"| {'yes' if fact.is_measured else ''} |")


def schema_text() -> str:
    """Return schema.json with the names of the facts as they are declared now."""
    names = ", ".join(json.dumps(name) for name in FACTS)
    return re.sub(r'"fact": \{"enum": \[[^\]]*\]\}', lambda _: f'"fact": {{"enum": [{names}]}}',
                  SCHEMA_FILE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(reference_text(), encoding="utf-8")
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
