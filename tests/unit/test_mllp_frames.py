"""MLLP framing: whole messages, however they are cut, and every broken piece with its name (2.M, H1)."""

from __future__ import annotations

import random

import pytest

from gateway.hl7.mllp_frames import Broken, Frame, FrameCutter


def cut(*chunks: bytes, most_bytes: int = 1000) -> list[Frame | Broken]:
    cutter = FrameCutter(most_bytes=most_bytes)
    found: list[Frame | Broken] = []
    for chunk in chunks:
        found += cutter.feed(chunk)
        if found and isinstance(found[-1], Broken) and found[-1].is_fatal:
            return found
    left = cutter.end()
    return [*found, *([left] if left else [])]


def kinds(found: list[Frame | Broken]) -> list[object]:
    return [one.data if isinstance(one, Frame) else (one.reason, one.data, one.is_fatal) for one in found]


def test_messages_come_whole_however_the_stream_is_cut():
    stream = b"".join(b"\x0b" + body + b"\x1c\r" for body in (b"A\rB\r", b"", b"\xd6\x1d" * 40))
    random.seed(7)
    for _ in range(200):
        places = sorted(random.randrange(len(stream)) for _ in range(random.randrange(6)))
        chunks = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
        assert kinds(cut(*chunks)) == [b"A\rB\r", b"", b"\xd6\x1d" * 40]


@pytest.mark.parametrize(("stream", "expected"), [
    (b"\x0bA\x1c\r\r\n\x0bB\x1c\r\n", [b"A", b"B"]),                   # a line end more than there should be
    (b"GET / HTTP/1.1\r\n", [("mllp-no-start", b"GET / HTTP/1.1\r\n", True)]),
    (b"junk\x0bA\x1c\r", [("mllp-no-start", b"junk", False), b"A"]),
    (b"\x0bA\x0bB\x1c\r", [("mllp-cut", b"A", False), b"B"]),
    (b"\x0bA\x1cB", [("mllp-end", b"A\x1cB", True)]),
    (b"\x0bA\x1c", [("mllp-cut", b"A\x1c", True)]),
    (b"\x0bA", [("mllp-cut", b"A", True)]),
    (b"\x0b", [("mllp-cut", b"", True)]),
    (b"", []),
])
def test_what_is_broken_comes_out_with_its_reason_and_its_bytes(stream, expected):
    assert kinds(cut(stream)) == expected
    assert kinds(cut(*(stream[n:n + 1] for n in range(len(stream))))) == expected


def test_a_message_at_the_limit_passes_and_one_byte_more_is_refused():
    assert kinds(cut(b"\x0b" + b"x" * 1000 + b"\x1c\r")) == [b"x" * 1000]
    [refused] = cut(b"\x0b" + b"x" * 1001 + b"\x1c\r")
    assert isinstance(refused, Broken)
    assert (refused.reason, refused.is_fatal) == ("mllp-too-large", True)


def test_what_is_held_stays_bounded_when_no_message_ever_begins_or_ends():
    cutter = FrameCutter(most_bytes=1000)
    [outside] = [one for _ in range(2) for one in cutter.feed(b"x" * 40_000)]
    assert isinstance(outside, Broken)
    assert (outside.reason, outside.is_fatal) == ("mllp-no-start", True)


def test_random_bytes_never_raise_and_lose_nothing():
    generator = random.Random(20261122)
    for _ in range(3000):
        stream = bytes(generator.choice(b"\x0b\x1c\rA") for _ in range(generator.randrange(30)))
        found = cut(stream)
        if not any(isinstance(one, Broken) and one.is_fatal for one in found):
            kept = b"".join(one.data for one in found)
            assert kept.count(b"A") == stream.count(b"A"), stream
