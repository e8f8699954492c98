"""Damaged XML of carts is read or refused by name, in bounded time and memory; whole files in between decode (B8)."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import Unreadable
from gateway.formats import aecg_writer, cardiosoft_xml, hl7_aecg, muse_xml, safe_xml, sierra_xml
from tests.support.cardiosoft_builders import cardiosoft
from tests.support.ecg_builders import aecg, aecg_measurement, known_samples
from tests.support.format_fuzzing import peak_memory_factor, read_damaged
from tests.support.fuzzing import fresh_seed, input_count, print_histogram
from tests.support.muse_builders import MUSE_LEADS, muse
from tests.support.sierra_builders import sierra
from tests.support.xml_damage import xml_damage_of

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(count=120)
EIGHT = known_samples(leads=MUSE_LEADS, count=120)
SIERRA = sierra(SHORT, beats=SHORT, statements=(("SR", "Sinus", "x"),), measurements="<qonset>5</qonset>")
READERS = {
    "muse": (muse_xml.read, [
        muse(EIGHT, median=EIGHT, qrs_times_ms=(614, 1800), statements=(("窦性心律", False), ("正常", True)),
             measurements={"VentricularRate": "72", "QOnset": "219", "ECGSampleBase": "500"}),
        muse(EIGHT, encoding="GBK", declared="GBK"), muse(EIGHT, encoding="UTF-16")]),
    "cardiosoft": (cardiosoft_xml.read, [
        cardiosoft(SHORT, median=SHORT, beats_ms=(800,), diagnosis=("a",), conclusion=("b",),
                   measurements='<PQInterval units="ms">174</PQInterval><QOnset units="ms">432</QOnset>')]),
    "sierra": (sierra_xml.read, [SIERRA, sierra(SHORT, version="1.03", encoding="utf-8"),
                                 sierra(SHORT, form="none"), sierra(SHORT, form="Plain")]),
    "aecg": (hl7_aecg.read, [
        aecg(SHORT, annotations=aecg_measurement("MDC_ECG_TIME_PD_PR", 148, "ms"), statements=("窦性心律",)),
        aecg_writer.write(sierra_xml.read(SIERRA, time_zone=ZONE))]),
}


@pytest.mark.parametrize("prefix", READERS)
def test_damaged_files_are_read_or_refused_by_name(prefix):
    read, originals = READERS[prefix]
    control = read(originals[0], time_zone=ZONE)
    outcomes = read_damaged(
        lambda data: read(data, time_zone=ZONE), xml_damage_of(originals), inputs=input_count(1000),
        seed=fresh_seed(), prefixes=(f"{prefix}-",),
        control=(originals[0], [lead.sha256_nanovolts() for lead in control.leads]))
    print_histogram(prefix, outcomes)
    assert len(outcomes) > 5                   # the damage reaches beyond the parser


@pytest.mark.parametrize("prefix", READERS)
def test_reading_damaged_files_takes_memory_in_proportion(prefix):
    read, originals = READERS[prefix]
    factor = peak_memory_factor(lambda data: read(data, time_zone=ZONE), xml_damage_of(originals), inputs=150,
                                seed=fresh_seed())
    assert factor < 10, f"{factor:.1f} × the input"


def _laughs(root: bytes) -> bytes:
    entities = b"".join(b'<!ENTITY c%d "%s">' % (n, b"&c%d;" % (n - 1) * 10 if n else b"ha" * 10) for n in range(9))
    return b"<!DOCTYPE x [" + entities + b"]>" + root.replace(b"><", b">&c8;<", 1)


@pytest.mark.parametrize(("read", "prefix", "root"), [
    (muse_xml.read, "muse", b"<RestingECG><a/></RestingECG>"),
    (cardiosoft_xml.read, "cardiosoft", b"<CardiologyXML><a/></CardiologyXML>"),
    (sierra_xml.read, "sierra", b"<restingecgdata><a/></restingecgdata>"),
    (hl7_aecg.read, "aecg", b"<AnnotatedECG><a/></AnnotatedECG>")])
def test_bombs_are_refused_before_they_grow(read, prefix, root):
    name = root[1:root.index(b">")]
    for data, reason in [
        (_laughs(root), "entity"),
        (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd"> %p;]>' + root, "entity"),
        (b"<!--" + b"x" * 200_000 + b"-->" + _laughs(root), "entity"),
        (root.replace(b"<a/>", b"<a>" * 100_000), "too-large"),
        (root.replace(b"<a/>", b"<a>" * 9_000 + b"</a>" * 9_000), "too-deep"),
        (root.replace(b"<a/>", b"<a/>" * 300_000), "too-large"),
        (root.replace(b"<a/>", b"<a " + b" ".join(b'a%d=""' % n for n in range(500)) + b"/>"), "too-large"),
        (b"<" + name + b">", "not-well-formed"),
        (b"\xff\xfe" + root.decode().encode("utf-16-le") + b"\x00", "encoding"),
    ]:
        began = time.monotonic()
        with pytest.raises(Unreadable) as refused:
            read(data, time_zone=ZONE)
        assert refused.value.reason == f"{prefix}-{reason}"
        assert time.monotonic() - began < 1


@pytest.mark.parametrize(("data", "name"), [
    (b'<?xml version="1.0"?><!-- a > b --><!DOCTYPE r SYSTEM "x.dtd"><r:Root xmlns:r="u">', "Root"),
    ("<a/>".encode("utf-16"), "a"), ("<a/>".encode("utf-16-be"), "a"), (b"\xef\xbb\xbf  <b >", "b"),
    (b"hello", ""), (b"", ""), (b"<", ""), (b"<?xml", ""), (b"%PDF-1.7 <a>", ""), (b"\0\0\0", "")])
def test_the_root_is_known_from_the_beginning_in_any_encoding(data, name):
    assert safe_xml.root_name(data) == name
