"""HL7 v2 read and answered without a network: form, escapes, character sets, and thousands of damaged messages."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import Unreadable
from gateway.core.order import OrderRequest
from gateway.formats.hl7_answer import AckCode, Fault, FaultCode, write_answer
from gateway.formats.hl7_message import (
    codec_of,
    escape,
    read_header,
    read_message,
    same_content,
    unescape,
)
from gateway.formats.hl7_orders import cleared, merged, read_orders
from tests.support.mllp import omi, orm

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
USUAL = "|^~\\&"


def test_text_survives_escaping_whatever_the_separators():
    for separators in (USUAL, "#*+?%", "|^~\\", "|^~\\&#"):
        for text in ("a|b^c~d\\e&f", "#*+?%", "plain", "王小明|玘", ""):
            assert unescape(escape(text, separators), separators) == text


@pytest.mark.parametrize(("written", "meant"), [
    (r"\X41424344\ ", "ABCD "), (r"\XE78E8B\ ", "王 "), (r"\H\bold\N\ ", "bold "), (r"a\.br\b", "a\nb"),
    (r"C:\dir\file", r"C:\dir\file"), ("\\", "\\"), (r"\\", r"\\"), (r"\Z99\ ", r"\Z99\ "), (r"\T\ ", "& ")])
def test_escapes_mean_what_the_standard_says_and_the_rest_stays(written, meant):
    assert unescape(written, USUAL) == meant


def test_other_separators_than_the_usual_ones_are_followed():
    usual = omi()
    other = usual.translate(str.maketrans("|^~\\&", "#*+?%"))
    a, b = (_orders(text)[0][0] for text in (usual, other))
    assert a.request == b.request


@pytest.mark.parametrize("data", [b"", b"MSH", b"hello", b"MSHABCD", b"MSH|^~|", b"MSH||||", b"MSH|^^~\\|x",
                                  b"\xff\xfe", b"PID|1\rMSH|^~\\&|"])
def test_what_has_no_header_is_named_so(data):
    with pytest.raises(Unreadable) as refused:
        read_header(data)
    assert refused.value.reason == "hl7-no-header"


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\r\n", b" "])
def test_a_mark_or_a_line_before_the_header_does_no_harm(prefix):
    header = read_header(prefix + omi().encode())
    assert read_message(prefix + omi().encode(), header, "utf-8").first("PID") is not None


def test_a_repetition_differs_in_its_time_of_sending_alone():
    header = read_header(omi().encode())
    first, later, other = (same_content(text.encode(), header) for text in (
        omi(), omi(sent_at="20260302100000"), omi(placer="X")))
    assert first == later != other


def test_an_answer_is_itself_a_message_that_can_be_read():
    for text in (omi(), orm(), omi().translate(str.maketrans("|^", "#*"))):
        header = read_header(text.encode())
        answer = write_answer(header, AckCode.ERROR, [Fault(FaultCode.DATA_TYPE, "a|b^c\rd#", "PID", 1, 7)], at=AT,
                              control_id="x1")
        again = read_header(answer)
        message = read_message(answer, again, "utf-8")
        msa = message.first("MSA")
        assert msa is not None
        assert (msa.text(1), msa.text(2)) == ("AE", "M1")
        assert [segment.name for segment in message.segments] == ["MSH", "MSA", "ERR"]


def test_a_change_leaves_what_it_does_not_name_and_deletes_what_it_says():
    base = OrderRequest(patient_id="P1", patient_name="演示甲", modality="DX", name_alphabetic="Yan^Shijia", sex="M",
                        purpose="a", urgency="urgent")
    change = OrderRequest(patient_id="", patient_name="演示乙", modality="", sex='""', urgency="")
    got = merged(base, change)
    assert (got.patient_id, got.patient_name, got.modality, got.sex, got.purpose, got.urgency) == (
        "P1", "演示乙", "DX", "", "a", "urgent")
    assert got.name_alphabetic == "", "it is spelled anew"
    assert cleared(change).sex == ""
    assert cleared(change).urgency == "routine"


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_twenty_thousand_damaged_messages_are_read_or_refused_by_name_and_nothing_else(codec):
    seed = 20261122
    generator = random.Random(seed)
    charset = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000"}[codec]
    whole = [omi(character_set=charset).encode(codec), orm().encode("latin-1"), omi(control="XO").encode(codec)]
    interesting = b"|^~\\&\r\n\x00\xff\x81MSHPIDORC\"0"
    outcomes = {"read": 0, "faulty": 0}
    for _ in range(10_000):
        data = bytearray(generator.choice(whole))
        for _ in range(generator.randrange(1, 6)):
            at = generator.randrange(len(data))
            act = generator.randrange(4)
            if act == 0:
                data[at] = generator.choice(interesting)
            elif act == 1:
                del data[at:at + generator.randrange(1, 40)]
            elif act == 2:
                data[at:at] = bytes(generator.choices(interesting, k=generator.randrange(1, 12)))
            else:
                del data[at:]
            if not data:
                data = bytearray(b"M")
        try:
            commands, faults = _orders_of(bytes(data))
            outcomes["faulty" if faults or not commands else "read"] += 1
        except Unreadable as exc:
            outcomes[exc.reason] = outcomes.get(exc.reason, 0) + 1
    assert sum(outcomes.values()) == 10_000, (seed, outcomes)
    assert outcomes["read"] > 500, outcomes         # the test reaches what is behind the header
    assert {"hl7-no-header"} < outcomes.keys(), outcomes


def _orders(text: str):
    return _orders_of(text.encode())


def _orders_of(data: bytes):
    header = read_header(data)
    write_answer(header, AckCode.ERROR, [Fault(FaultCode.INTERNAL, "x", "MSH", 1, 1)], at=AT, control_id="1")
    same_content(data, header)
    return read_orders(read_message(data, header, codec_of(header, "utf-8")), zone=ZONE)
