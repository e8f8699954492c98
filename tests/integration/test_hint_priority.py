"""Hints raise the priority of an ECG reading, are explained where it is explained, and can be switched off (K3)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.core.priority import HINT_TAG
from gateway.services import complete_study, examine_ecg, route_study
from gateway.services.explain_study import explain_study
from gateway.services.hint_priority import with_hint_rules
from gateway.services.job_runner import JobRunner
from gateway.services.queue_examination import ROUTE_WITHIN
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from gateway.settings import InvalidSetting
from storage.interface import ReadingFilter
from storage.model import EVERYWHERE, ArrivalVia, Priority, ReadingState
from tests.support.beating_ecgs import ecg_with_beats, slow_ecg, without_electrode
from tests.support.ecg_builders import TESTDATA, aecg, aecg_measurement, needs_testdata

CLINIC = Sender(site_id="yangchang", device=None, via=ArrivalVia.ECG_UPLOAD, actor="token:1")
HANDLERS = {**complete_study.HANDLERS, **examine_ecg.HANDLERS, **route_study.HANDLERS}


async def routed(parts, data, *, handlers=HANDLERS):
    received = await receive_ecg(parts, data, CLINIC)
    parts.clock.advance(ROUTE_WITHIN.total_seconds())
    await JobRunner(parts, handlers).run_due()
    return received.study_id, await reading_of(parts, received.study_id)


async def reading_of(parts, study_id):
    return await parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))


async def test_a_slow_heart_that_the_gateway_measured_raises_the_reading_and_says_why(parts):
    study_id, reading = await routed(parts, aecg(slow_ecg(32)))
    assert reading.priority is Priority.EMERGENCY
    said = await explain_study(parts, study_id, EVERYWHERE)
    (hint,) = [hint for hint in said["hints"] if hint["item"] == "ECG11"]
    assert hint["source"] == "gateway"
    assert hint["value"] == pytest.approx(32, abs=1)
    assert HINT_TAG in said["tags"]
    assert said["facts"]["ecg.measured_by_gateway"][0] == "heart_rate_bpm"
    lines, _ = await parts.database.read(lambda tx: tx.worklists.readings(
        EVERYWHERE, ReadingFilter(), since=parts.clock(), limit=9))
    assert [hint["item"] for hint in lines[0].hints if hint["item"] == "ECG11"] == ["ECG11"]


async def test_the_carts_words_raise_it_also_where_the_examination_fails(parts):
    async def fails(parts, job):
        raise ConnectionError("out of order")

    _, reading = await routed(parts, aecg(ecg_with_beats(), statements=("急性下壁心肌梗死",)),
                              handlers=route_study.HANDLERS | {"examine_ecg": fails})
    assert reading.priority is Priority.EMERGENCY


async def test_a_normal_ecg_is_routine_and_has_no_hint(parts):
    data = aecg(ecg_with_beats(), annotations=aecg_measurement("MDC_ECG_HEART_RATE", 72, "bpm"),
                statements=("窦性心律",))
    study_id, reading = await routed(parts, data)
    assert reading.priority is Priority.ROUTINE
    assert (await explain_study(parts, study_id, EVERYWHERE))["hints"] == []


async def test_an_examination_that_comes_late_still_raises_a_reading_that_nobody_has_begun(parts):
    received = await receive_ecg(parts, aecg(slow_ecg(32)), CLINIC)
    parts.clock.advance(ROUTE_WITHIN.total_seconds())
    await route_study.route_study(parts, received.study_id)
    before = await reading_of(parts, received.study_id)
    assert before.priority is Priority.ROUTINE
    await JobRunner(parts, HANDLERS).run_due()
    after = await reading_of(parts, received.study_id)
    assert (after.priority, after.id) == (Priority.EMERGENCY, before.id)
    assert after.due_at <= before.due_at
    decisions = await parts.database.read(lambda tx: tx.decisions.of_study(received.study_id, EVERYWHERE))
    assert len(decisions) == 2
    await route_study.route_study(parts, received.study_id)           # and once is enough
    assert len(await parts.database.read(lambda tx: tx.decisions.of_study(received.study_id, EVERYWHERE))) == 2


async def test_whoever_reads_it_already_is_not_disturbed(parts):
    received = await receive_ecg(parts, aecg(slow_ecg(32)), CLINIC)
    reading = await route_study.route_study(parts, received.study_id)
    held = replace(reading, state=ReadingState.IN_PROGRESS, claimed_by="wang")
    assert await parts.database.write(lambda tx: tx.readings.replace(held))
    parts.clock.advance(ROUTE_WITHIN.total_seconds())
    await JobRunner(parts, HANDLERS).run_due()
    after = await reading_of(parts, received.study_id)
    assert (after.decision_id, after.priority) == (reading.decision_id, reading.priority)


async def test_a_poor_trace_is_shown_and_stays_routine(parts):
    study_id, reading = await routed(parts, aecg(without_electrode("V3")))
    assert reading.priority is Priority.ROUTINE
    assert [hint["item"] for hint in (await explain_study(parts, study_id, EVERYWHERE))["hints"]] == ["ECG19"]


async def test_switched_off_nothing_is_hinted(parts):
    off = await with_hint_rules(replace(parts, settings=replace(parts.settings, ecg_priority_hints=False)))
    assert off.hint_rules is None
    study_id, reading = await routed(off, aecg(slow_ecg(32), statements=("室颤",)))
    assert reading.priority is Priority.ROUTINE
    assert (await explain_study(off, study_id, EVERYWHERE))["hints"] == []


async def test_an_alliances_own_limits_hold_and_are_on_record(parts, tmp_path):
    file = tmp_path / "hints.json"
    changes = {"version": "t-1", "source": "演示医共体通知", "items": {"ECG11": {"limits": {"heart_rate_bpm": 30}}}}
    file.write_text(json.dumps(changes), encoding="utf-8")
    own = await with_hint_rules(replace(parts, settings=replace(parts.settings, ecg_hints_file=str(file))))
    _, reading = await routed(own, aecg(slow_ecg(33)))
    assert reading.priority is Priority.ROUTINE
    entries = [e.entry for e in await parts.database.read(lambda tx: list(tx.audit.walk()))]
    (loaded,) = [entry for entry in entries if entry.action == "ecg_hints.loaded"]
    assert loaded.detail["changes"] == changes
    assert own.hint_rules is not None
    assert loaded.detail["version"] == own.hint_rules.version


@pytest.mark.parametrize("text", ["", "{", '{"version": "1", "source": "s", "items": {"ECG99": {}}}', None])
async def test_a_file_that_is_not_understood_stops_the_start_and_is_named(parts, tmp_path, text):
    file = tmp_path / "hints.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSetting, match="ecg_hints_file"):
        await with_hint_rules(replace(parts, settings=replace(parts.settings, ecg_hints_file=str(file))))


@needs_testdata
async def test_a_real_cart_that_says_acute_infarct_is_read_first_and_its_neighbours_have_no_hint(parts):
    """Philips' own ">>> Acute MI <<<", and eight carts of other makers that say nothing urgent."""
    _, urgent = await routed(parts, (TESTDATA / "philips" / "129DYPRG_v103.xml").read_bytes())
    assert urgent.priority is Priority.EMERGENCY
    quiet = ["philips/3191723_v104.xml", "muse/guangxi_teaching_sinus_rhythm.xml", "muse/braveheart_example2.xml",
             "cardiosoft/cardiosoft_example.xml", "scp/ecgtoolkit_example.scp", "dicom/mortara_anonymous_ecg.dcm",
             "edf/A0001.edf", "mfer/syn_12lead_le.mwf"]
    for name in quiet:
        study_id, _ = await routed(parts, (TESTDATA / name).read_bytes())
        assert (await explain_study(parts, study_id, EVERYWHERE))["hints"] == [], name
