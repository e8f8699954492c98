"""A clinic with a cart and ECG orders, for tests about whose an ECG is."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.order import OrderRequest
from gateway.services.administer_sites import By
from gateway.services.place_order import place_order
from gateway.services.ports import Parts
from gateway.services.receive_ecg import EcgReceived, receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.route_study import route_study
from storage.model import EVERYWHERE, ArrivalVia, Device, Site, SiteKind, Study
from storage.model.orders import Order, OrderSource
from tests.support.ecg_builders import aecg

SITE = "yangchang"
BY = By("演示", "10.0.0.1", EVERYWHERE)
CHINA = ZoneInfo("Asia/Shanghai")


def cart(number: int = 1, site_id: str = SITE) -> Device:
    return Device(f"cart{number}-{site_id}", site_id, f"演示心电图机{number}", f"CART{number}", None, "ECG")


async def open_clinic(parts: Parts, site_id: str = SITE) -> None:
    """A site with two carts."""
    def work(tx):
        tx.sites.add_site(Site(site_id, f"演示{site_id}", "Demo", SiteKind.TOWNSHIP))
        for number in (1, 2):
            device = cart(number, site_id)
            tx.sites.add_device(Device(**{name: getattr(device, name) for name in device.__slots__}
                                       | {"ae_title": f"{site_id[:6]}{number}".upper()}))

    await parts.database.write(work)


async def ecg_order(parts: Parts, *, site_id: str = SITE, **fields) -> Order:
    """An order for an ECG, now."""
    asked = {"patient_id": "M-7", "patient_name": "演示王小明", "modality": "ECG", "sex": "M"} | fields
    return (await place_order(parts, site_id, OrderRequest(**asked), BY, OrderSource.UI)).order


def silent_aecg(**fields) -> bytes:
    """An ECG that names nobody."""
    return aecg(**({"patient_id": "", "name": "", "sex": "", "birth": ""} | fields))


def local(at: datetime, *, minutes: float = 0) -> str:
    """The time as the cart's clock writes it."""
    return (at + timedelta(minutes=minutes)).astimezone(CHINA).strftime("%Y%m%d%H%M%S")


async def arrives(parts: Parts, data: bytes, *, device: Device | None = None, site_id: str = SITE,
                  via: ArrivalVia = ArrivalVia.ECG_UPLOAD, **more) -> EcgReceived:
    """Receive it and let the rules see it."""
    received = await receive_ecg(parts, data, Sender(site_id, device, via, actor="token:1"), **more)
    await route_study(parts, received.study_id)
    return received


async def study_of(parts: Parts, received: EcgReceived) -> Study:
    study = await parts.database.read(lambda tx: tx.studies.get(received.study_id, EVERYWHERE))
    assert study is not None
    return study


async def order_now(parts: Parts, order: Order) -> Order:
    found = await parts.database.read(lambda tx: tx.orders.get(order.id, EVERYWHERE))
    assert found is not None
    return found
