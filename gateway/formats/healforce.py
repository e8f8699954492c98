"""Healforce Prince 180: files that look like SCP-ECG and are not. Known, and refused by name.

The sections are there, but pointers count from 0, the length has 16 bits in the wrong half of its field, no checksum
fits, three leads of 12 bits (10 of them signal) are woven into one stream, and Section 2 holds a table that is not
used. The samples can be unpacked, but what they mean cannot be proven: the file states 9524 nV a unit where the only
published decoder takes 10 µV, its interval field holds 150 where microseconds are due, and no lead is named.
A gain is never guessed, so the file goes to quarantine as "healforce-unsupported".
"""

from __future__ import annotations

import struct
from datetime import tzinfo

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord

NAME = "healforce"


def recognise(data: bytes) -> bool:
    """True for a Section 0 that points at itself counting from 0, and a length in the upper half of its field."""
    if len(data) < 6 + 16 + 10:
        return False
    low_half, size, section = struct.unpack_from("<HHH", data, 2)[0], struct.unpack_from("<H", data, 4)[0], data[8:10]
    (pointers_size,) = struct.unpack_from("<I", data, 10)
    return (low_half == 0 and 32 <= size <= len(data) and section == b"\0\0" and 26 <= pointers_size <= 1024
            and struct.unpack_from("<HII", data, 22) == (0, pointers_size, 6))


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Always raises Unreadable, with the reason "healforce-unsupported"."""
    del data, time_zone
    raise Unreadable("This is a recording of a Healforce Prince. Its gain and its leads are not stated so that they "
                     "could be proven; export it as PDF from the maker's program.", reason="healforce-unsupported")
