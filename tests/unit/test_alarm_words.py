"""Every alarm that the code can raise has its words on the administrators' page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "reading_ui/src/admin/words_alarms.ts"
_KIND = r'"([a-z0-9]+(?:-[a-z0-9]+)+)"'
_RAISED = (
    rf"raise_alarm\(\s*{_KIND}",                                # named where it is raised
    rf"^_?(?:ALARM|MISMATCH)\b[^\n]*?= {_KIND}",                # named once for a file
    rf"SpaceLevel\.\w+: {_KIND}",                               # by the level of the space
    rf"_conflict\(tx, [^\n]*{_KIND}",                           # a conflict's reason is its alarm
    rf"_refused\(tx, [^\n]*{_KIND}",                            # what became of a delivery
)


def raised() -> set[str]:
    found = {"object-damaged", "object-missing"}                # made of a word: gateway/services/scrub_objects.py
    for path in (ROOT / "gateway").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for pattern in _RAISED:
            found |= set(re.findall(pattern, source, flags=re.MULTILINE))
    return found


def test_every_alarm_has_its_words_and_no_word_is_left_over():
    words = re.findall(r"^    '([a-z0-9-]+)':", WORDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(words) == 2 * len(set(words)), "each kind stands once in each language"
    assert set(words) == raised()
