"""The frame of an SCP-ECG record: checksums, Section 0 and its pointers, the headers of sections (EN 1064, 5.2).

A section of which the pointer and its own header disagree is not read. Without it the ECG may still be readable; the
reader of a section that is needed refuses.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass, field

from gateway.core.errors import Unreadable

RECORD_HEADER_SIZE = 6
SECTION_HEADER_SIZE = 16
POINTER_SIZE = 10
MAX_SECTIONS = 1024
SECTION_NAMES = {
    0: "pointers", 1: "patient", 2: "Huffman tables", 3: "leads", 4: "QRS locations", 5: "reference beat",
    6: "rhythm", 7: "global measurements", 8: "statements", 9: "manufacturer", 10: "lead measurements",
    11: "coded statements", 12: "long-term rhythm",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One section without its header."""

    number: int
    body: bytes
    protocol_version: int                    # 13 is 1.3, 20 is 2.0, 30 is 3.0; 0 when the file does not say


@dataclass(slots=True)
class ScpRecord:
    """The sections of one record, and what is wrong with its frame."""

    sections: dict[int, Section]
    protocol_version: int
    warnings: list[str] = field(default_factory=list)
    misplaced: set[int] = field(default_factory=set)   # sections whose pointer leads to something else

    def require(self, number: int, refusal: str, reason: str) -> bytes:
        """The section's bytes. Raises Unreadable with `refusal`, or with what is wrong with its pointer."""
        if number in self.misplaced:
            raise Unreadable(f"The pointer to section {number} ({SECTION_NAMES[number]}) leads to something else.",
                             reason="scp-pointer")
        if number not in self.sections:
            raise Unreadable(refusal, reason=reason)
        return self.sections[number].body

    def body(self, number: int) -> bytes:
        """The section's bytes, b"" if the record has none."""
        section = self.sections.get(number)
        return section.body if section else b""


def checksum(data: bytes | memoryview) -> int:
    """CRC-CCITT: polynomial 1021h, start FFFFh."""
    return binascii.crc_hqx(data, 0xFFFF)


def is_scp_ecg(data: bytes) -> bool:
    """True if the bytes begin as an SCP-ECG record: Section 0 first, pointing at itself at byte 7."""
    if len(data) < RECORD_HEADER_SIZE + SECTION_HEADER_SIZE + POINTER_SIZE:
        return False
    number, size = struct.unpack_from("<HI", data, 8)
    if number != 0 or not 1 <= (size - SECTION_HEADER_SIZE) / POINTER_SIZE <= MAX_SECTIONS:
        return False
    return data[16:22] == b"SCPECG" or struct.unpack_from("<HII", data, 22) == (0, size, 7)


def read_sections(data: bytes) -> ScpRecord:
    """Take the record apart. Raises Unreadable when pointers lead nowhere."""
    if not is_scp_ecg(data):
        raise Unreadable("The bytes do not begin with the pointers of an SCP-ECG record.", reason="scp-header")
    said_size = struct.unpack_from("<I", data, 2)[0]
    warnings: list[str] = []
    if said_size > len(data):
        warnings.append(f"The record says that it has {said_size} bytes, the file has {len(data)}.")
    elif said_size < len(data):
        warnings.append(f"The file has {len(data) - said_size} bytes behind the end of the record.")
    record = ScpRecord({}, data[RECORD_HEADER_SIZE + 9], warnings)
    _check(data[2:min(max(said_size, RECORD_HEADER_SIZE), len(data))], data[:2], "the record", warnings)
    for number, size, index in _pointers(data):
        if number == 0 or size == 0:
            continue
        name = f"section {number} ({SECTION_NAMES.get(number, 'unknown')})"
        if number in record.sections:
            warnings.append(f"There are two pointers to {name}; the first is used.")
            continue
        start = index - 1
        if index == 0 or start + size > len(data) or size < SECTION_HEADER_SIZE:
            if number > 11:
                warnings.append(f"The pointer to {name} leads outside of the file.")
                continue
            raise Unreadable(f"The pointer to {name} leads outside of the file.",
                             reason="scp-truncated" if said_size > len(data) else "scp-pointer")
        section = _section(data, number, start, size, name, warnings)
        if section is None:
            record.misplaced.add(number)
        else:
            record.sections[number] = section
    return record


def _pointers(data: bytes) -> list[tuple[int, int, int]]:
    size = struct.unpack_from("<I", data, 10)[0]
    end = min(RECORD_HEADER_SIZE + size, len(data))
    return [struct.unpack_from("<HII", data, at)
            for at in range(RECORD_HEADER_SIZE + SECTION_HEADER_SIZE, end - POINTER_SIZE + 1, POINTER_SIZE)]


def _section(data: bytes, number: int, start: int, size: int, name: str, warnings: list[str]) -> Section | None:
    said_number, said_size, _, protocol = struct.unpack_from("<HIBB", data, start + 2)
    if said_number != number:
        warnings.append(f"The pointer to {name} leads to something else; it is not read.")
        return None
    if said_size != size:
        warnings.append(f"The length of {name} is {size} in the pointer and {said_size} in the section.")
        if SECTION_HEADER_SIZE <= said_size < size:
            size = said_size
    _check(data[start + 2:start + size], data[start:start + 2], name, warnings)
    return Section(number, data[start + SECTION_HEADER_SIZE:start + size], protocol)


def _check(data: bytes, stored: bytes, name: str, warnings: list[str]) -> None:
    said = int.from_bytes(stored, "little")
    if checksum(data) == said:
        return
    warnings.append(f"The checksum of {name} is missing." if said == 0 else f"The checksum of {name} is wrong.")
