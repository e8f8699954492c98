"""How the scope test calls the rows of the rules' page: all of them are for administrators of the whole alliance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from storage.model import RuleState
from tests.support.route_walk import Call, as_json
from tests.support.two_sites import Clinic

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def _alliance(send: Any = None, **fill: str) -> Call:
    return Call(fill, send, is_for_alliance=True) if send else Call(fill, is_for_alliance=True)


RULES = as_json(source="{rules}")

RULE_CALLS: dict[tuple[str, str], Call] = {
    ("GET", "/api/rules/versions"): _alliance(),
    ("GET", "/api/rules/versions/{version}"): _alliance(version="=1"),
    ("POST", "/api/rules/versions"): _alliance(RULES),
    ("POST", "/api/rules/versions/{version}/approve"): _alliance(as_json(), version="approve_rules"),
    ("POST", "/api/rules/versions/{version}/refuse"): _alliance(as_json(reason="演示不行"), version="refuse_rules"),
    ("POST", "/api/rules/versions/{version}/roll-back"): _alliance(as_json(), version="old_rules"),
    ("POST", "/api/rules/check"): _alliance(RULES),
    ("GET", "/api/rules/language"): _alliance(),
    ("GET", "/api/rules/studies"): Call(is_for_alliance=True, asks=("", "q={name}", "q={patient_id}",
                                                                    "q={accession}")),
    ("POST", "/api/rules/simulations"): _alliance(RULES),
    ("GET", "/api/rules/simulations"): _alliance(),
    ("GET", "/api/rules/simulations/{simulation_id}"): _alliance(simulation_id="simulation"),
    ("DELETE", "/api/rules/simulations/{simulation_id}"): _alliance(simulation_id="simulation"),
    ("POST", "/api/rules/diff"): _alliance(as_json(to_source="{rules}")),
    ("POST", "/api/rules/forms"): _alliance(RULES),
    ("POST", "/api/rules/edit"): _alliance(lambda clinic: {"json": {
        "source": clinic.ids["rules"], "index": 0, "move_to": 1}}),
    ("POST", "/api/rules/try"): _alliance(as_json(source="{rules}", study="{study_uid}")),
}


def add_versions(tx: Any, clinic: Clinic) -> None:
    """Versions of the rules to approve, to refuse and to roll back to, proposed by nobody who logs in here."""
    active = tx.rule_versions.active().version
    for key in ("approve_rules", "refuse_rules"):
        clinic.ids[key] = str(tx.rule_versions.add(
            clinic.ids["rules"] + f"# {key}\n", title="演示", state=RuleState.AWAITING_APPROVAL, by="somebody", at=AT,
            based_on=active))
    clinic.ids["old_rules"] = str(active)
