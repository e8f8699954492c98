"""How the rows of quality in the route table are called, for the walk through all of them."""

from __future__ import annotations

from tests.support.quality import png_address
from tests.support.route_walk import Call, as_json

QUALITY_CALLS: dict[tuple[str, str], Call] = {
    ("GET", "/api/quality/studies/{study_id}"): Call({"study_id": "see_quality_study"}),
    ("POST", "/api/quality/studies/{study_id}/grades"): Call({"study_id": "grade_quality_study"}, as_json(
        level="study", target_id="{grade_quality_study}", grade="good", revision=0), by="reader"),
    ("POST", "/api/quality/studies/{study_id}/rejections"): Call(
        {"study_id": "reject_quality_study"}, by="reader", send=lambda clinic: {"json": {
            "level": "image", "target_id": clinic.ids["reject_quality_image"], "revision": 0,
            "reasons": ["position"], "picture": png_address(clinic.word)}}),
    ("POST", "/api/quality/grades/{grade_id}/retake"): Call({"grade_id": "ask_grade"}, by="reader"),
    ("GET", "/api/quality/grades/{grade_id}/picture"): Call({"grade_id": "see_grade"}),
    ("GET", "/api/quality/retakes"): Call(is_list=True, shows="see_retake", asks=("", "settled=1")),
    ("POST", "/api/quality/retakes/{retake_id}/seen"): Call({"retake_id": "see_retake"}),
    ("POST", "/api/quality/retakes/{retake_id}/schedule"): Call({"retake_id": "schedule_retake"}, as_json(on=None)),
    ("POST", "/api/quality/retakes/{retake_id}/decline"): Call({"retake_id": "decline_retake"}, as_json(
        reason="患者已离开")),
    ("POST", "/api/quality/retakes/{retake_id}/withdraw"): Call({"retake_id": "withdraw_retake"}, as_json(
        reason="不再需要"), by="reader"),
    ("GET", "/api/quality/figures"): Call(is_list=True, asks=(
        "", "per=device", "per=operator", "per=site", "per=modality", "per=grader&from=2025-12")),
    ("GET", "/api/figures"): Call(is_list=True, asks=("", "per=reader", "per=modality", "per=group&from=2025-12")),
    ("GET", "/api/figures.csv"): Call(is_list=True, asks=("", "per=reader")),
    ("GET", "/api/quality/figures.csv"): Call(is_list=True, asks=("", "per=grader")),
}
