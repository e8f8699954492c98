"""Decode one ECG and look at its samples; as a function, and as the child process of examiner.py.

`python -m gateway.services.examine_samples` reads requests from standard input and writes answers to standard output,
one for one, until its input ends: which it also does when the gateway is killed, so that no child is left behind.
A message is its length in four bytes, then the bytes; a request is the name of a time zone, a zero byte and the file.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import traceback
from importlib import import_module
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from gateway.core.ecg_analysis_record import content_to_keep, hints_to_keep
from gateway.core.errors import Unreadable
from gateway.formats.ecg import read_ecg
from gateway.signals.analyse import analyse

FAILED = "analysis-failed"

_LENGTH = struct.Struct(">I")
_NICENESS = 5                            # receiving and people go first


class Looked(msgspec.Struct, frozen=True):
    """What looking at the samples gave; `reason` says why there is nothing else."""

    reason: str = ""
    is_repeat_advised: bool = False
    hints: list[dict[str, Any]] = []
    content: dict[str, Any] = {}
    trace: str = ""                      # of a fault of ours, for the log; names no patient


def look(data: bytes, time_zone: str) -> Looked:
    """Decode and analyse one file. Never raises for what a file can hold."""
    try:
        analysis = analyse(read_ecg(data, time_zone=ZoneInfo(time_zone)))
    except Unreadable as exc:
        return Looked(exc.reason)
    except (ArithmeticError, LookupError, ValueError):
        # Samples that the method did not foresee: the trace is read by people all the same.
        return Looked(FAILED, trace=traceback.format_exc())
    return Looked("", analysis.is_repeat_advised, hints_to_keep(analysis), content_to_keep(analysis))


def request_of(data: bytes, time_zone: str) -> bytes:
    """The message that asks for one file."""
    return _LENGTH.pack(len(time_zone) + 1 + len(data)) + time_zone.encode("ascii") + b"\0" + data


def length_of(head: bytes) -> int:
    """How many bytes follow the first four of a message."""
    return int(_LENGTH.unpack(head)[0])


HEAD_BYTES = _LENGTH.size


def answer_of(message: bytes) -> Looked:
    """What the child said."""
    return msgspec.json.decode(message, type=Looked)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end."""
    while len(head := requests.read(HEAD_BYTES)) == HEAD_BYTES:
        zone, _, data = requests.read(length_of(head)).partition(b"\0")
        said = msgspec.json.encode(look(data, zone.decode("ascii")))
        answers.write(_LENGTH.pack(len(said)) + said)
        answers.flush()


def main() -> None:
    """Run as the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl-C is for the gateway, which closes our input
    os.nice(_NICENESS)
    import_module("sleepecg.heartbeats")            # a second of loading, best before the first ECG
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)                        # what a library prints must not get between the answers
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
