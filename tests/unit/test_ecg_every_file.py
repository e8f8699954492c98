"""Every reference ECG through the one door, lead by lead as independent decoders read it (B8)."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from gateway.core.derived_leads import with_derived_leads
from gateway.core.errors import Unreadable
from gateway.formats.ecg import FORMATS, read_ecg
from tests.support.ecg_builders import needs_testdata
from tests.support.reference_ecgs import DECODABLE, FACTS, REFUSED, STARTS_AT_0, bytes_of, wrong_leads

ZONE = ZoneInfo("Asia/Shanghai")
ONE_ECG_IN_THREE = ("scp/ecgtoolkit_example.scp", "dicom/ecgtoolkit_example.dcm", "aecg/ecgtoolkit_example.xml")
SAME_ECGS = [ONE_ECG_IN_THREE, ("aecg/ecgtoolkit_example.xml", "aecg/fda_subject1_0.xml"),
             ("edf/syn_js20012.edf", "aecg/biosig_js20012.xml", "wfdb/cinc2021/JS20012.hea"),
             ("mfer/syn_12lead_le.mwf", "wfdb/cinc2021/JS20000.hea")]


def read(name: str):
    return read_ecg(bytes_of(name), time_zone=ZONE)


@needs_testdata
@pytest.mark.parametrize("name", DECODABLE)
def test_every_lead_is_as_independent_decoders_read_it(name):
    record, facts = read(name), FACTS[name]
    assert wrong_leads(name, record) == []
    assert record.sampling_frequency_hz == pytest.approx(facts["fs_hz"], rel=1e-6)
    assert record.sample_count == facts["n_samples"] - (name == STARTS_AT_0)


@needs_testdata
def test_a_changed_sample_would_be_noticed():
    """The comparison itself can fail."""
    record = read("scp/ecgtoolkit_example.scp")
    record.leads[3].samples[17] += 1
    assert wrong_leads("scp/ecgtoolkit_example.scp", record) == ["V2"]


@needs_testdata
@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_cannot_be_decoded_rightly_is_refused_by_name(name, reason):
    with pytest.raises(Unreadable) as refusal:
        read(name)
    assert refusal.value.reason == reason


@needs_testdata
def test_the_folder_reaches_every_reader_but_those_that_give_no_leads():
    seen = Counter(read(name).format for name in DECODABLE)
    assert set(seen) == {known.name for known in FORMATS} - {"pdf", "healforce"}
    assert sum(seen.values()) == len(DECODABLE) > 100


@needs_testdata
@pytest.mark.parametrize("names", SAME_ECGS, ids=lambda names: names[0])
def test_one_ecg_in_several_formats_is_one_and_the_same(names):
    """The samples are the same to the nanovolt, and so is what the page is given to draw."""
    first, *others = [with_derived_leads(read(name)) for name in names]
    drawn = {lead.name: lead.nanovolts().astype("<i4").tobytes() for lead in first.leads}
    for other in others:
        assert {lead.name: lead.nanovolts().astype("<i4").tobytes() for lead in other.leads} == drawn
        assert other.interval_us == first.interval_us
        assert {lead.start_us for lead in other.leads} == {lead.start_us for lead in first.leads} == {0.0}


@needs_testdata
def test_eight_recorded_leads_and_the_four_that_follow_are_drawn_as_the_cart_drew_twelve():
    muse = with_derived_leads(read("muse/guangxi_teaching_sinus_rhythm.xml"))
    dicom = read("dicom/guangxi_sinus_general_ecg.dcm")
    drawn = {lead.name: lead.sha256_nanovolts() for lead in muse.leads}
    recorded = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    for lead in dicom.leads:
        if lead.name in recorded:
            assert lead.sha256_nanovolts() == drawn[lead.name]
        else:                                # the other program rounded what it derived to its unit of 4.88 µV
            ours = next(other for other in muse.leads if other.name == lead.name)
            assert abs(lead.nanovolts() - ours.nanovolts()).max() <= 4880
