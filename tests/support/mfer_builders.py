"""MFER files with known samples, encoded here from ISO 22077-1 on its own: nothing of the reader is used."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from tests.support.ecg_builders import Samples, known_samples

LEAD_CODES = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "III": 61, "aVR": 62, "aVL": 63,
              "aVF": 64}
DATA_TYPES = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}
PREAMBLE = b"MFR Standard 12 leads ECG".ljust(32)


def tlv(tag: int, value: bytes) -> bytes:
    """One definition; its length in BER: one byte below 128, else the count of bytes and then the length."""
    size = len(value)
    if size < 128:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def channel(number: int, *definitions: bytes) -> bytes:
    """The definitions of one channel (3Fh)."""
    value = b"".join(definitions)
    return b"\x3f" + bytes([number]) + tlv(0, value)[1:]


class Order:
    """Numbers in one byte order."""

    def __init__(self, *, is_little: bool) -> None:
        self.sign: Literal["<", ">"] = "<" if is_little else ">"

    def u16(self, value: int) -> bytes:
        return struct.pack(f"{self.sign}H", value)

    def u32(self, value: int) -> bytes:
        return struct.pack(f"{self.sign}I", value)

    def scaled(self, unit: int, exponent: int, mantissa: int) -> bytes:
        return struct.pack(f"{self.sign}Bbh", unit, exponent, mantissa)


def frame(samples: Samples, order: Order, *, block: int, data_type: int = 0) -> bytes:
    """Sequence after sequence, in each of them channel after channel, of each a block."""
    kind = np.dtype(DATA_TYPES[data_type]).newbyteorder(order.sign)
    columns = [values.astype(kind) for values in samples.values()]
    out = []
    for begin in range(0, len(columns[0]), block):
        out += [column[begin:begin + block].tobytes() for column in columns]
    return b"".join(out)


def mfer(samples: Samples | None = None, *, is_little: bool = True, block: int | None = None, data_type: int = 0,
         interval: tuple[int, int, int] | None = (1, -3, 2), sensitivity: tuple[int, int, int] | None = (0, -7, 25),
         patient_id: bytes = b"P1", name: bytes = "演示甲".encode("gb18030"), character_code: bytes = b"",
         preamble: bytes = PREAMBLE, more: Sequence[bytes] = (), of_channels: Mapping[int, bytes] | None = None,
         after: Sequence[bytes] = (), compression: int = 0) -> bytes:
    """A file of one frame: 500 Hz and 2.5 µV a unit unless told otherwise; `more` comes before the channels."""
    samples = known_samples() if samples is None else samples
    order = Order(is_little=is_little)
    count = len(next(iter(samples.values())))
    block = block or count
    out = [tlv(0x40, preamble) if preamble else b"", tlv(0x01, bytes([is_little]))]
    if character_code:
        out.append(tlv(0x03, character_code))
    out += [tlv(0x17, b"Demo^Cart^1.0^SN7"), tlv(0x82, patient_id), tlv(0x81, name),
            tlv(0x83, bytes([65]) + order.u16(0) + order.u16(1960) + bytes([4, 5])), tlv(0x84, b"\x01"),
            tlv(0x85, order.u16(2026) + bytes([3, 2, 8, 30, 0]) + order.u16(0) + order.u16(0))]
    if interval:
        out.append(tlv(0x0B, order.scaled(*interval)))
    if sensitivity:
        out.append(tlv(0x0C, order.scaled(*sensitivity)))
    if compression:
        out.append(tlv(0x0E, order.u16(compression)))
    out += [tlv(0x0A, bytes([data_type])), *more, tlv(0x04, order.u32(block)), tlv(0x05, order.u16(len(samples))),
            tlv(0x06, order.u16(-(-count // block)))]
    for number, lead in enumerate(samples):
        own = (of_channels or {}).get(number, b"")
        out.append(channel(number, tlv(0x09, order.u16(LEAD_CODES[lead])), own))
    out += [tlv(0x1E, frame(samples, order, block=block, data_type=data_type)), *after, tlv(0x80, b"")]
    return b"".join(out)
