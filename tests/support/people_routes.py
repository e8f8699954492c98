"""How the routes of people are called about a clinic: readers, roster, agreements (`route_walk`)."""

from __future__ import annotations

from typing import Any

from tests.support.route_walk import Call, as_json
from tests.support.two_sites import Clinic

_TIMES = {"starts_at": "2026-05-04T00:00:00Z", "ends_at": "2026-05-04T08:00:00Z"}
LEAVE = as_json(kind="leave", user_id="{reader}", **_TIMES)
DUTY = as_json(kind="duty", group="imaging", user_id="{reader}", **_TIMES)
AGREEMENT = as_json(requesting_site_id="{site}", reading_site_id="spare", document_number="协〔2026〕9号",
                    valid_from="2026-01-01")


def _same_site(clinic: Clinic) -> dict[str, Any]:
    """Its name stays: reports that wait for their signature are printed with it."""
    return {"json": {"id": clinic.site_id, "name": f"演示{clinic.word}镇卫生院", "name_en": "", "kind": "township",
                     "tier": 2, "distance_km": 12.5, "link_class": "fibre"}}


PEOPLE_CALLS: dict[tuple[str, str], Call] = {
    ("GET", "/api/readers"): Call(is_list=True, shows="reader"),
    ("PUT", "/api/readers/me/presence"): Call(send=as_json(presence="present"), is_list=True),
    ("PUT", "/api/readers/{user_id}/profile"): Call({"user_id": "reader"}, as_json(grade="review")),
    ("DELETE", "/api/readers/{user_id}/profile"): Call({"user_id": "reader"}),
    ("GET", "/api/roster"): Call(is_list=True, shows="leave_entry", asks=("", "from=2026-03-01&before=2026-03-15")),
    ("POST", "/api/roster/entries"): Call(send=LEAVE, by="reader"),
    ("PUT", "/api/roster/entries/{entry_id}"): Call({"entry_id": "leave_entry"}, as_json(
        kind="leave", user_id="{reader}", starts_at="2026-03-03T00:00:00Z", ends_at="2026-03-04T00:00:00Z"),
        by="reader"),
    ("DELETE", "/api/roster/entries/{entry_id}"): Call({"entry_id": "spare_entry"}, by="reader"),
    ("POST", "/api/roster/copy-week"): Call(send=as_json(group="imaging", week="2026-03-02", to_week="2026-03-09"),
                                            is_for_alliance=True),
    ("POST", "/api/roster/swaps"): Call(send=as_json(entry_id="{duty_entry}", to_user_id="{reviewer}"), by="reader"),
    ("POST", "/api/roster/swaps/{swap_id}/answer"): Call({"swap_id": "swap"}, lambda clinic: {
        "json": {"agrees": True}}, by="reviewer"),
    ("POST", "/api/roster/swaps/{swap_id}/withdraw"): Call({"swap_id": "spare_swap"}, by="reader"),
    ("PUT", "/api/roster/holidays/{day}"): Call({"day": "=2026-08-01"}, as_json(kind="holiday", name="演示县庆"),
                                                is_for_alliance=True),
    ("DELETE", "/api/roster/holidays/{day}"): Call({"day": "=2026-08-01"}, is_for_alliance=True),
    ("GET", "/api/agreements"): Call(is_list=True, shows="agreement"),
    ("POST", "/api/agreements"): Call(send=AGREEMENT, is_for_alliance=True),
    ("PUT", "/api/agreements/{agreement_id}"): Call({"agreement_id": "agreement"}, AGREEMENT, is_for_alliance=True),
    ("PUT", "/api/admin/sites/{site_id}"): Call({"site_id": "site"}, _same_site, is_for_alliance=True),
    ("POST", "/api/readings/{reading_id}/decline"): Call({"reading_id": "decline_reading"}, as_json(
        reason="演示不承接"), by="reader"),
}
