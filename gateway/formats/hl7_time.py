"""Times as HL7 version 3 and DICOM DT write them: YYYYMMDD[hh[mm[ss[.f]]]][±zzzz]."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo

_PATTERN = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,9}))?)?)?)?([+-]\d{4})?$")


def parse_time(text: str, time_zone: tzinfo) -> datetime | None:
    """Aware time, in `time_zone` where the text has no offset; None for anything else."""
    found = _PATTERN.match(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    zone = time_zone
    try:
        if offset:
            minutes = int(offset[1:3]) * 60 + int(offset[3:])
            zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59),
                      int((fraction or "0").ljust(6, "0")[:6]), tzinfo=zone)
        at.utctimetuple()
    except (ValueError, OverflowError):
        return None
    return at


def parse_date(text: str) -> date | None:
    """The date of a YYYYMMDD… text."""
    found = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", text.strip())
    if not found:
        return None
    try:
        return date(int(found.group(1)), int(found.group(2)), int(found.group(3)))
    except ValueError:
        return None
