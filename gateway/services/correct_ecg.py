"""A doctor's own points on the median beat of an ECG: kept beside the gateway's, never instead of them.

What follows from the moved points is recomputed and from then on shown as the doctor's; every correction stays on
record, also one that was taken back. Nothing of it enters a report by itself (K2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from gateway.core.ecg_analysis import FIDUCIAL_NAMES
from gateway.core.ecg_analysis_record import finite
from gateway.core.ecg_intervals import changed_intervals
from gateway.core.errors import InvalidRequest, NotNow
from gateway.services.ports import Event, Parts
from gateway.services.show_ecg_analysis import ShownAnalysis, look_up
from storage.interface import Transaction
from storage.model import AuditEntry, Scope, User, new_id
from storage.model.ecg_analyses import AnalysisState, EcgCorrection, StoredAnalysis


async def correct_fiducials(parts: Parts, scope: Scope, user: User, instance_id: str,
                            fiducials_us: Mapping[str, float], *, method: str, address: str) -> ShownAnalysis:
    """Keep the doctor's points and return the analysis as it is shown from now on.

    Parameters
    ----------
    fiducials_us
        Every point that the doctor sees, µs after the start of the median beat; none takes the correction back.
    method
        Of the analysis on which they were set.

    Raises
    ------
    NotFound, NotNow
        "not-analysed": there is no median beat; "analysis-changed": look again.
    InvalidRequest
        "fiducials": an unknown name, a point outside the beat, or points that do not follow one another.
    """
    def work(tx: Transaction) -> ShownAnalysis:
        shown = look_up(tx, scope, instance_id)
        stored = shown.stored
        if stored is None or stored.state is not AnalysisState.DONE or stored.content.get("median") is None:
            raise NotNow("There is no median beat of this ECG to set points on.", reason="not-analysed")
        if stored.method != method:
            raise NotNow("The ECG has been analysed by a newer method meanwhile. Look again.",
                         reason="analysis-changed")
        points = _checked(fiducials_us, stored)
        made = EcgCorrection(
            id=new_id(), instance_id=instance_id, study_id=shown.study.id, user_id=user.id, at=parts.clock(),
            method=method, fiducials_us=points, measurements=changed_intervals(
                stored.content["fiducials_us"], points, rr_ms=stored.content["measurements"].get("rr_ms")))
        tx.ecg_analyses.add_correction(made)
        tx.audit.append(AuditEntry(
            made.at, user.id, "ecg.corrected", site_id=shown.study.site_id, study_id=shown.study.id,
            patient_id=shown.study.patient.id, address=address,
            detail={"instance": instance_id, "correction": made.id, "method": method, "fiducials_us": points,
                    "measurements": made.measurements}))
        return look_up(tx, scope, instance_id)

    shown = await parts.database.write(work)
    parts.events.publish(Event("analysis", shown.study.site_id, shown.study.id))
    return shown


def _checked(fiducials_us: Mapping[str, float], stored: StoredAnalysis) -> dict[str, float]:
    unknown = sorted(set(fiducials_us) - set(FIDUCIAL_NAMES))
    if unknown:
        raise InvalidRequest(f"There is no point called {', '.join(unknown)}.", reason="fiducials")
    points = {name: fiducials_us[name] for name in FIDUCIAL_NAMES if name in fiducials_us}
    median = stored.content["median"]
    longest_us = median["interval_us"] * median["sample_count"]
    if any(not math.isfinite(at) or not 0 <= at <= longest_us for at in points.values()):
        raise InvalidRequest(f"Every point lies on the median beat, between 0 and {longest_us:.0f} µs.",
                             reason="fiducials")
    in_order = list(points.values())
    if any(later <= earlier for earlier, later in pairwise(in_order)):
        raise InvalidRequest("The points must follow one another: P, QRS, T, each onset, peak, offset.",
                             reason="fiducials")
    return finite(points)
