"""Make the font of printed reports: a small part of Noto Sans CJK SC, under the same licence (OFL 1.1, see OFL.txt).

Typst brings no Chinese font and a bare server has none. The subset carries all of GB 2312, so that any ordinary
report prints anywhere; bold is made by outlining the same glyphs (report.typ), so that one weight is enough. Rarer
characters of names come from a font of the system, and one that no font has is reported before signing
(report_pdf.unprintable).

Run by a developer, never at run time:  python -m gateway.reports.fonts.make_subset [FOLDER WITH NotoSansCJK-*.ttc]
The family is renamed: it is a changed version, and must not hide the full font of the system.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FAMILY = "Gateway Report Sans"
SIMPLIFIED_CHINESE = 2                   # face of the collection: JP, KR, SC, TC, HK
SOURCE = Path("/usr/share/fonts/opentype/noto")
_EXTRA = "\u3000‖‘’“”…—–·•°±×÷≤≥≈≠→←↑↓√∞㎡℃Ωµμ①②③④⑤⑥⑦⑧⑨⑩²³¹⁰⁴⁵⁶⁷⁸⁹₂№§†※○●□■△▲☑☐"


def gb2312(first_row: int, last_row: int) -> set[int]:
    """Return the code points of the GB 2312 rows (区), both ends included."""
    points = set()
    for row in range(first_row, last_row + 1):
        for cell in range(1, 95):
            try:
                points.add(ord(bytes((row + 0xA0, cell + 0xA0)).decode("gb2312")))
            except UnicodeDecodeError:
                continue                 # an empty cell
    return points


def make(source: Path, target: Path, points: set[int]) -> None:
    """Write the subset of one face."""
    font = TTFont(source, fontNumber=SIMPLIFIED_CHINESE, recalcTimestamp=False)
    options = subset.Options(hinting=False, layout_features=["kern", "locl"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
                             notdef_outline=True, drop_tables=["vhea", "vmtx", "VORG", "DSIG", "BASE"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    names = font["name"]
    names.names = [record for record in names.names if (record.platformID, record.langID) == (3, 0x409)]
    plain = FAMILY.replace(" ", "")
    for name_id, text in {1: FAMILY, 2: "Regular", 3: f"{plain}-Regular", 4: FAMILY, 6: f"{plain}-Regular"}.items():
        names.setName(text, name_id, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames[0] = f"{plain}-Regular"
    cff.topDictIndex[0].FamilyName, cff.topDictIndex[0].FullName = FAMILY, FAMILY
    font.save(target)


def main() -> None:
    """Make the font beside this file."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    here = Path(__file__).parent
    points = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | {ord(c) for c in _EXTRA} | gb2312(1, 87)
    target = here / f"{FAMILY.replace(' ', '')}-Regular.otf"
    make(source / "NotoSansCJK-Regular.ttc", target, points)
    print(f"{target.name}: {len(points)} characters, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
