"""Every ECG is examined after it has arrived; nothing waits for it longer than it may (K1, K3, B8)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.services import complete_study, examine_ecg, route_study
from gateway.services.activate_rules import ensure_rules
from gateway.services.correct_ecg import correct_fiducials
from gateway.services.examine_ecg import run_examine_ecg
from gateway.services.job_runner import JobRunner
from gateway.services.list_clinic_studies import list_clinic_studies
from gateway.services.queue_examination import ROUTE_WITHIN
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.show_ecg_analysis import MedianBeatShelf, previous_ecgs, show_analysis
from storage.interface import ReadingFilter
from storage.model import EVERYWHERE, ArrivalVia, Job, Priority, Role, Scope
from storage.model.ecg_analyses import AnalysisState
from tests.support.beating_ecgs import ecg_with_beats, without_electrode
from tests.support.ecg_builders import aecg, aecg_measurement, dicom_ecg
from tests.support.stores import open_parts
from tests.support.web import add_person, add_site

CLINIC = Sender(site_id="yangchang", device=None, via=ArrivalVia.ECG_UPLOAD, actor="token:1")
HANDLERS = {**complete_study.HANDLERS, **examine_ecg.HANDLERS, **route_study.HANDLERS}


async def analysis_of(parts, instance_id):
    return await parts.database.read(lambda tx: tx.ecg_analyses.get(instance_id))


async def reading_of(parts, study_id):
    return await parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))


async def entries(parts, action):
    found = await parts.database.read(lambda tx: list(tx.audit.walk()))
    return [each.entry for each in found if each.entry.action == action]


@pytest.fixture
async def engine_parts(tmp_path, clock, events, engine):
    """A store on each engine."""
    from gateway.settings import Settings

    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node", **engine)
    async with open_parts(tmp_path / "data", settings=settings, clock=clock, events=events) as parts:
        yield parts


async def test_an_ecg_is_examined_and_then_routed_at_once_on_both_engines(engine_parts, events):
    parts = engine_parts
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    assert await JobRunner(parts, HANDLERS).run_due() >= 2      # the clock stands: routing did not wait for its bound
    stored = await analysis_of(parts, received.instance_id)
    assert (stored.state, stored.is_repeat_advised) == (AnalysisState.DONE, False)
    assert stored.content["measurements"]["heart_rate_bpm"] == pytest.approx(72, abs=6)
    assert stored.content["median"]["lead_names"][:2] == ["I", "II"]
    assert await reading_of(parts, received.study_id) is not None
    (entry,) = await entries(parts, "ecg.examined")
    assert (entry.actor, entry.study_id, entry.detail["instance"]) == ("gateway", received.study_id,
                                                                       received.instance_id)
    assert "analysis" in events.kinds()


async def test_a_dicom_ecg_is_examined_the_same_way(parts):
    received = await receive_ecg(parts, dicom_ecg(without_electrode("V3")), CLINIC)
    await JobRunner(parts, HANDLERS).run_due()
    stored = await analysis_of(parts, received.instance_id)
    assert stored.is_repeat_advised
    assert {"V3"} <= {lead for hint in stored.hints for lead in hint["leads"]}
    assert await reading_of(parts, received.study_id) is not None


async def test_the_study_is_routed_in_time_where_the_examination_does_not_come(parts, clock):
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    runner = JobRunner(parts, route_study.HANDLERS | {"examine_ecg": _never})
    await runner.run_due()
    assert await reading_of(parts, received.study_id) is None
    clock.advance(ROUTE_WITHIN.total_seconds())
    await runner.run_due()
    assert await reading_of(parts, received.study_id) is not None
    assert ROUTE_WITHIN.total_seconds() < 2


async def _never(parts, job):
    raise ConnectionError("the examination is out of order")


async def test_the_job_run_again_after_a_crash_has_one_effect(parts, events):
    """At least once: the analysis was kept, but the process died before the job was finished."""
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    job = Job(1, "examine_ecg:x", "examine_ecg", received.instance_id, parts.clock(), 1)
    await run_examine_ecg(parts, job)
    heard = len(events.kinds())
    await run_examine_ecg(parts, replace(job, attempt=2))
    assert len(await entries(parts, "ecg.examined")) == 1
    assert len(events.kinds()) == heard


async def test_two_processes_that_examine_at_the_same_time_keep_one_analysis(parts):
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    job = Job(1, "examine_ecg:x", "examine_ecg", received.instance_id, parts.clock(), 1)
    await asyncio.gather(*(run_examine_ecg(parts, job) for _ in range(3)))
    assert len(await entries(parts, "ecg.examined")) == 1


async def test_an_ecg_that_ends_the_process_each_time_is_left_alone_and_says_so(parts):
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    job = Job(1, "examine_ecg:x", "examine_ecg", received.instance_id, parts.clock(), examine_ecg.TRIES + 1)
    await run_examine_ecg(parts, job)
    stored = await analysis_of(parts, received.instance_id)
    assert (stored.state, stored.reason) == (AnalysisState.FAILED, examine_ecg.GIVEN_UP)


async def test_an_ecg_that_was_deleted_meanwhile_is_no_fault(parts):
    await run_examine_ecg(parts, Job(1, "k", "examine_ecg", "gone", parts.clock(), 1))
    assert await entries(parts, "ecg.examined") == []


async def test_deleting_the_study_takes_its_analysis_and_corrections_along(parts):
    person = await _reader(parts)
    received = await _examined(parts, aecg(ecg_with_beats()))
    shown = await shown_of(parts, received)
    await correct_fiducials(parts, EVERYWHERE, person, received.instance_id, shown.stored.content["fiducials_us"],
                            method=shown.stored.method, address="")
    await parts.database.write(lambda tx: tx.study_removal.remove_rows(received.study_id))
    assert await analysis_of(parts, received.instance_id) is None
    assert await parts.database.read(lambda tx: tx.ecg_analyses.corrections(received.instance_id)) == []


async def test_looking_at_an_ecg_of_an_older_method_examines_it_again(parts):
    received = await _examined(parts, aecg(ecg_with_beats()))
    stored = await analysis_of(parts, received.instance_id)
    await parts.database.write(lambda tx: tx.ecg_analyses.put(replace(stored, method="0", content={})))
    shown = await shown_of(parts, received)
    assert shown.stored.method == "0"
    await JobRunner(parts, HANDLERS).run_due()
    assert (await analysis_of(parts, received.instance_id)).content == stored.content


async def test_an_ecg_of_before_is_examined_when_somebody_looks(parts):
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    await parts.database.write(lambda tx: tx.jobs.cancel(f"examine_ecg:{received.instance_id}"))
    assert (await shown_of(parts, received)).stored is None
    await JobRunner(parts, HANDLERS).run_due()
    assert await analysis_of(parts, received.instance_id) is not None


async def test_each_number_says_where_it_is_from(parts):
    data = aecg(ecg_with_beats(), annotations=aecg_measurement("MDC_ECG_HEART_RATE", 99, "bpm"))
    received = await _examined(parts, data)
    numbers = (await shown_of(parts, received)).numbers
    rate, duration = numbers["heart_rate_bpm"], numbers["qrs_ms"]
    assert (rate.source, rate.value, rate.device) == ("device", 99, 99)
    assert rate.gateway == pytest.approx(72, abs=6)
    assert (duration.source, duration.device) == ("gateway", None)


async def test_a_doctors_points_stand_beside_the_gateways_and_only_what_they_moved_is_theirs(parts, events):
    person = await _reader(parts)
    received = await _examined(parts, aecg(ecg_with_beats()))
    shown = await shown_of(parts, received)
    own = shown.stored.content["fiducials_us"]
    before = shown.numbers["qt_ms"].value
    points = own | {"t_offset": own["t_offset"] + 20_000}
    after: Any = await correct_fiducials(parts, EVERYWHERE, person, received.instance_id, points,
                                         method=shown.stored.method, address="")
    number = after.numbers["qt_ms"]
    assert (number.source, number.gateway) == ("doctor", before)
    assert number.doctor == pytest.approx(before + 20, abs=0.2)
    assert after.numbers["qtc_bazett_ms"].source == "doctor"
    assert (after.numbers["pr_ms"].source, after.corrected_by) == ("gateway", "演示医师")
    assert after.stored.content["fiducials_us"] == own
    (entry,) = await entries(parts, "ecg.corrected")
    assert (entry.actor, entry.detail["measurements"]["qt_ms"]) == (person.id, number.doctor)
    back = await correct_fiducials(parts, EVERYWHERE, person, received.instance_id, {},
                                   method=shown.stored.method, address="")
    assert (back.correction, back.numbers["qt_ms"].source) == (None, "gateway")
    kept = await parts.database.read(lambda tx: tx.ecg_analyses.corrections(received.instance_id))
    assert len(kept) == 2


@pytest.mark.parametrize(("change", "method", "kind"), [
    ({"r_peak": -1.0}, None, InvalidRequest), ({"r_peak": 10.0**9}, None, InvalidRequest),
    ({"r_peak": float("nan")}, None, InvalidRequest), ({"delta": 1.0}, None, InvalidRequest),
    ({"qrs_onset": 10.0**6}, None, InvalidRequest), ({}, "0", NotNow)])
async def test_points_that_cannot_be_are_refused_by_name(parts, change, method, kind):
    person = await _reader(parts)
    received = await _examined(parts, aecg(ecg_with_beats()))
    shown = await shown_of(parts, received)
    with pytest.raises(kind) as refusal:
        await correct_fiducials(parts, EVERYWHERE, person, received.instance_id,
                                shown.stored.content["fiducials_us"] | change, method=method or shown.stored.method,
                                address="")
    assert refusal.value.reason in ("fiducials", "analysis-changed")
    assert await parts.database.read(lambda tx: tx.ecg_analyses.corrections(received.instance_id)) == []


async def test_the_median_beats_are_those_that_the_analysis_speaks_of(parts):
    received = await _examined(parts, aecg(ecg_with_beats()))
    beats = await MedianBeatShelf(parts).show(EVERYWHERE, received.instance_id)
    said = (await analysis_of(parts, received.instance_id)).content["median"]
    assert beats.samples_nv.shape == (len(said["lead_names"]), said["sample_count"])
    assert beats.samples_nv.dtype == np.int32
    with pytest.raises(NotFound):
        await MedianBeatShelf(parts).show(Scope(frozenset({"machang"})), received.instance_id)


async def test_earlier_ecgs_of_the_same_person_are_found_newest_first_and_of_ones_own_sites_alone(parts):
    await add_site(parts, "yangchang", "演示羊昌镇卫生院")
    heads = ("20260302083000", "20260301083000", "20260303083000")
    mine = [await _examined(parts, aecg(ecg_with_beats(seed=n), head=head)) for n, head in enumerate(heads)]
    await _examined(parts, aecg(ecg_with_beats(seed=9), name="演示乙", patient_id="P2"))
    found = await previous_ecgs(parts, EVERYWHERE, mine[2].instance_id)
    assert [each.instance.id for each in found] == [mine[0].instance_id, mine[1].instance_id]
    assert found[0].site_name == "演示羊昌镇卫生院"
    assert found[0].numbers["heart_rate_bpm"].source == "gateway"
    assert await previous_ecgs(parts, EVERYWHERE, mine[1].instance_id) == []
    with pytest.raises(NotFound):
        await previous_ecgs(parts, Scope(frozenset({"machang"})), mine[2].instance_id)


async def shown_of(parts, received) -> Any:
    """What is shown of an ECG that has been examined."""
    return await show_analysis(parts, EVERYWHERE, received.instance_id)


async def _examined(parts, data):
    await ensure_rules(parts)
    received = await receive_ecg(parts, data, CLINIC)
    await JobRunner(parts, HANDLERS).run_due()
    return received


async def _reader(parts):
    return await add_person(parts, "wang", (Role.READER, None), name="演示医师")


async def test_hints_corrections_and_lists_are_kept_alike_on_both_engines(engine_parts):
    parts = engine_parts
    person = await _reader(parts)
    await add_site(parts, "yangchang", "演示羊昌镇卫生院")
    received = await _examined(parts, aecg(without_electrode("V3"), statements=("室颤",)))
    shown = await shown_of(parts, received)
    assert {hint["item"] for hint in shown.priority_hints} == {"ECG03", "ECG19"}
    points = shown.stored.content["fiducials_us"]
    await correct_fiducials(parts, EVERYWHERE, person, received.instance_id,
                            points | {"qrs_offset": points["qrs_offset"] + 4000}, method=shown.stored.method,
                            address="")
    page = await list_clinic_studies(parts, EVERYWHERE, text="", limit=9, offset=0)
    (listed,) = page.analyses.values()
    assert (listed.is_repeat_advised, listed.content, listed.hints) == (True, {}, shown.stored.hints)
    lines, _ = await parts.database.read(lambda tx: tx.worklists.readings(
        EVERYWHERE, ReadingFilter(), since=parts.clock(), limit=9))
    assert [hint["item"] for hint in lines[0].hints] == ["ECG03", "ECG19"]
    assert lines[0].reading.priority is Priority.EMERGENCY
    facts = await parts.database.read(lambda tx: tx.studies.ecg_of(received.instance_id))
    assert facts.critical_statements == ()
    await parts.database.write(lambda tx: tx.study_removal.remove_rows(received.study_id))
    assert await parts.database.read(lambda tx: tx.ecg_analyses.of_study(received.study_id)) == []
    assert await parts.database.read(lambda tx: tx.ecg_analyses.corrections(received.instance_id)) == []
