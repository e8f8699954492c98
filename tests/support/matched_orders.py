"""Studies of a site whose order a person must name, and one whose order a person has named."""

from __future__ import annotations

from gateway.core.order import OrderRequest
from gateway.services.administer_sites import By
from gateway.services.match_order import match_study
from gateway.services.place_order import place_order
from gateway.services.ports import Parts
from gateway.services.settle_match import link_by_person
from storage.model import EVERYWHERE, User
from storage.model.orders import OrderSource
from tests.support.routing_builders import add_study


async def add_questions(parts: Parts, site_id: str, person: User) -> dict[str, str]:
    """Each key is the id of a study or order in the state that its name says."""
    by = By(person.id, "10.0.0.1", EVERYWHERE)
    ids: dict[str, str] = {}
    for name in ("question", "link", "none", "unlink"):
        study = await add_study(parts, site_id=site_id)
        placed = await place_order(parts, site_id, OrderRequest(
            patient_id=f"{name}-{site_id}", patient_name=study.patient.name.display, modality=study.modality,
            sex="F", body_part=study.body_part), by, OrderSource.UI)
        await match_study(parts, study.id)
        ids |= {f"{name}_study": study.id, f"{name}_order": placed.order.id}
        if name == "unlink":
            await link_by_person(parts, by, study.id, placed.order.id, "演示核实")
    return ids
