"""Many ECGs at once: each is on the worklist without waiting for the examination of those before it (B8, K3)."""

from __future__ import annotations

from gateway.services import complete_study, examine_ecg, route_study
from gateway.services.job_runner import JobRunner
from gateway.services.queue_examination import CROWD, ROUTE_WITHIN
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from storage.model import EVERYWHERE, ArrivalVia, Priority
from tests.support.beating_ecgs import ecg_with_beats, slow_ecg
from tests.support.ecg_builders import aecg

CLINIC = Sender(site_id="yangchang", device=None, via=ArrivalVia.ECG_UPLOAD, actor="token:1")
HANDLERS = {**complete_study.HANDLERS, **examine_ecg.HANDLERS, **route_study.HANDLERS}
EXAMINATIONS = frozenset(examine_ecg.HANDLERS)


async def reading_of(parts, received):
    return await parts.database.read(lambda tx: tx.readings.of_study(received.study_id, EVERYWHERE))


async def test_in_a_crowd_an_ecg_is_listed_at_once_and_raised_when_it_has_been_examined(parts):
    hearts = [ecg_with_beats(seed=number) for number in range(CROWD)]
    before = [await receive_ecg(parts, aecg(heart), CLINIC) for heart in hearts]
    late = await receive_ecg(parts, aecg(slow_ecg(32)), CLINIC)
    lists = JobRunner(parts, HANDLERS, but_not=EXAMINATIONS)
    await lists.run_due()
    assert [await reading_of(parts, one) for one in before] == [None] * CROWD, "they wait for their examination"
    reading = await reading_of(parts, late)
    assert reading.priority is Priority.ROUTINE
    await JobRunner(parts, HANDLERS, only=EXAMINATIONS).run_due()
    await lists.run_due()
    assert (await reading_of(parts, late)).priority is Priority.EMERGENCY
    assert None not in [await reading_of(parts, one) for one in before]


async def test_an_examination_that_takes_long_holds_up_no_other_job(parts):
    received = await receive_ecg(parts, aecg(ecg_with_beats()), CLINIC)
    lists = JobRunner(parts, HANDLERS, but_not=EXAMINATIONS)
    assert await lists.run_due() == 0
    parts.clock.advance(ROUTE_WITHIN.total_seconds())
    assert await lists.run_due() == 1
    assert await reading_of(parts, received) is not None
    due = await parts.database.read(lambda tx: (tx.jobs.next_due(but_not=EXAMINATIONS),
                                                tx.jobs.next_due(only=EXAMINATIONS)))
    assert due[0] is None or due[0] > parts.clock()
    assert due[1] is not None
