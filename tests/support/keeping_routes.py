"""How the scope test calls the rows of keeping: periods, visits, holds and deletions."""

from __future__ import annotations

from tests.support.route_walk import Call, as_json
from tests.support.two_sites import SHARED_PATIENT_ID


def _list_of(shows: str, *asks: str) -> Call:
    return Call(is_list=True, shows=shows, asks=("", *asks))


KEEPING_CALLS: dict[tuple[str, str], Call] = {
    ("GET", "/api/admin/keeping"): Call(is_for_alliance=True),
    ("PUT", "/api/admin/keeping/rules/{care_class}"): Call({"care_class": "=outpatient"}, as_json(years=20),
                                                           is_for_alliance=True),
    ("GET", "/api/admin/keeping/studies"): _list_of("old_study", "q={name}", "q={patient_id}", "q={accession}",
                                                   "q={study_uid}", f"q={SHARED_PATIENT_ID}"),
    ("PUT", "/api/admin/keeping/studies/{study_id}/visit"): Call({"study_id": "old_study"}, as_json(
        care_class="outpatient")),
    ("POST", "/api/admin/keeping/studies/{study_id}/holds"): Call({"study_id": "seal_study"}, as_json(
        reason="演示封存", demanded_by="演示家属")),
    ("GET", "/api/admin/keeping/holds"): _list_of("hold", "released=1"),
    ("POST", "/api/admin/keeping/holds/{hold_id}/release"): Call({"hold_id": "release_hold"}, as_json(reason="结束")),
    ("GET", "/api/admin/keeping/holds/{hold_id}/manifest"): Call({"hold_id": "hold"}),
    ("GET", "/api/admin/keeping/deletions"): _list_of("deletion"),
    ("POST", "/api/admin/keeping/studies/{study_id}/deletion"): Call({"study_id": "ask_study"}, as_json(
        reason="演示期满")),
    ("POST", "/api/admin/keeping/deletions/{deletion_id}/approve"): Call({"deletion_id": "approve_deletion"}),
    ("POST", "/api/admin/keeping/deletions/{deletion_id}/withdraw"): Call({"deletion_id": "deletion"}, as_json(
        reason="演示撤回")),
}
