"""What a site's intake of ECGs can hold: an open order, ECGs of nobody, files that nobody can read."""

from __future__ import annotations

from gateway.core.errors import Unreadable
from gateway.core.order import OrderRequest
from gateway.services.administer_sites import By
from gateway.services.identify_ecg import NamedPatient, name_patient
from gateway.services.keep_unread_ecg import attach
from gateway.services.place_order import place_order
from gateway.services.ports import Parts
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from storage.model import EVERYWHERE, ArrivalVia, QuarantineFilter, Scope, User
from storage.model.orders import OrderSource
from tests.support.ecg_orders import silent_aecg
from tests.support.hl7_results import small_pdf


async def unread_file(parts: Parts, site_id: str, data: bytes, *, file_name: str = "maker.dat") -> str:
    """Send bytes of no known format; the arrival's id."""
    try:
        await receive_ecg(parts, data, Sender(site_id, None, ArrivalVia.ECG_UPLOAD, actor="test"),
                          file_name=file_name)
    except Unreadable:
        kept = await parts.database.read(lambda tx: tx.quarantine.arrivals(
            Scope(frozenset({site_id})), QuarantineFilter(False, "", site_id, file_name)))
        return next(arrival.id for arrival in kept if arrival.size_bytes == len(data))
    raise AssertionError("the file can be read")


async def add_ecg_intake(parts: Parts, site_id: str, word: str, person: User) -> dict[str, str]:
    """Each key is the id of what its name says."""
    by = By(person.id, "10.0.0.1", EVERYWHERE)
    sender = Sender(site_id, None, ArrivalVia.ECG_UPLOAD, actor="test")
    order = (await place_order(parts, site_id, OrderRequest(
        patient_id=f"E-{site_id}", patient_name=f"演示{word}待采", modality="ECG"), by, OrderSource.UI)).order
    ids = {"ecg_order": order.id}
    for number, key in enumerate(("nobody", "named", "trial", "undo")):
        data = silent_aecg(head=f"2025010108{number:02d}00")
        ids[f"{key}_study"] = (await receive_ecg(parts, data, sender)).study_id
    await name_patient(parts, by, ids["undo_study"], NamedPatient(f"U-{site_id}", f"演示{word}误认"), "演示")
    ids["ecg_page"] = (await receive_ecg(parts, small_pdf(f"Demo {site_id}"), sender)).instance_id
    for length, key in enumerate(("unread", "attach", "detach", "again"), 100):
        ids[f"{key}_file"] = await unread_file(parts, site_id, f"{word}{site_id}".encode() * length,
                                               file_name=f"{site_id}-{key}.dat")
    for key in ("detach", "again"):
        await attach(parts, by, ids[f"{key}_file"], order_id=order.id, study_id=None, reason="演示")
    return ids
