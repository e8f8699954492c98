"""How every route about ECGs is called by the walk that looks for leaks between sites."""

from __future__ import annotations

from gateway.core.ecg_analysis import METHOD
from tests.support.route_walk import Call, as_json

_ECG = {"instance_id": "ecg"}


def _list(shows: str = "", *asks: str) -> Call:
    return Call(is_list=True, shows=shows, asks=("", *asks))


ECG_CALLS: dict[tuple[str, str], Call] = {
    ("GET", "/api/ecg/{instance_id}"): Call(_ECG),
    ("GET", "/api/ecg/statements"): _list(),
    ("GET", "/api/ecg/{instance_id}/analysis"): Call(_ECG),
    ("GET", "/api/ecg/{instance_id}/median-beats"): Call(_ECG),
    ("PUT", "/api/ecg/{instance_id}/fiducials"): Call(_ECG, as_json(fiducials_us={}, method=METHOD)),
    ("GET", "/api/ecg/{instance_id}/previous"): Call(_ECG),
    ("GET", "/api/ecg/{instance_id}/samples"): Call(_ECG),
    ("GET", "/api/ecg/{instance_id}/original"): Call(_ECG),
    ("GET", "/api/ecg/{instance_id}/export"): Call(_ECG, asks=("to=dicom",)),
    ("GET", "/api/ecg/{instance_id}/page"): Call({"instance_id": "ecg_page"}),
    ("GET", "/api/wall"): _list("ecg_study", "limit=1"),
    ("GET", "/api/wall/traces/{instance_id}"): Call(_ECG),
    ("GET", "/api/ecg-orders"): _list("ecg_order"),
    ("POST", "/api/orders/{order_id}/recording"): Call({"order_id": "ecg_order"}, as_json(device_id=None)),
    ("DELETE", "/api/orders/{order_id}/recording"): Call({"order_id": "ecg_order"}),
    ("GET", "/api/ecg-unidentified"): _list("nobody_study"),
    ("POST", "/api/studies/{study_id}/identity"): Call({"study_id": "named_study"}, as_json(
        patient_id="N-1", name="演示某人", reason="演示核实"), by="clinic"),
    ("POST", "/api/studies/{study_id}/identity/none"): Call({"study_id": "trial_study"}, as_json(
        reason="演示试机"), by="clinic"),
    ("POST", "/api/studies/{study_id}/identity/undo"): Call({"study_id": "undo_study"}, as_json(
        reason="演示弄错"), by="clinic"),
    ("GET", "/api/admin/ecg-files"): _list("unread_file", "state=kept", "state=read"),
    ("POST", "/api/admin/ecg-files/{arrival_id}/attach"): Call({"arrival_id": "attach_file"}, as_json(
        order_id="{ecg_order}", reason="演示核实")),
    ("POST", "/api/admin/ecg-files/{arrival_id}/detach"): Call({"arrival_id": "detach_file"}, as_json(
        reason="演示弄错")),
    ("POST", "/api/admin/ecg-files/{arrival_id}/read-again"): Call({"arrival_id": "again_file"}),
}
