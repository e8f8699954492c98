"""Sites, devices, callers that knock, and destinations on both engines."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    Destination,
    DestinationKind,
    Device,
    KnockState,
    Scope,
    Site,
    SiteKind,
)
from tests.support.stores import START

YANGCHANG = Site("yangchang", "演示羊场镇卫生院", "Demo Yangchang Clinic", SiteKind.TOWNSHIP, phone="0000-000")
BAZHU = Site("bazhu", "演示八注村卫生室", "Demo Bazhu Village Room", SiteKind.VILLAGE)


@pytest.fixture
async def sites(database):
    def add(tx):
        tx.sites.add_site(YANGCHANG)
        tx.sites.add_site(BAZHU)

    await database.write(add)
    return database


def device(name="dr", **more):
    return dataclasses.replace(Device(name, "yangchang", "演示DR", "DR1", None, "DX"), **more)


async def find(database, ae_title, address):
    found = await database.read(lambda tx: tx.sites.find_device(ae_title, address))
    return found and found.id


async def test_a_site_comes_back_with_the_page_of_its_clinic_as_destination(sites):
    assert await sites.read(lambda tx: tx.sites.site("yangchang")) == YANGCHANG
    [page] = await sites.read(lambda tx: tx.sites.destinations_of("yangchang"))
    assert (page.kind, page.site_id) == (DestinationKind.CLINIC_PAGE, "yangchang")
    assert await sites.read(lambda tx: tx.sites.site("nowhere")) is None


async def test_a_site_id_is_given_once(sites):
    with pytest.raises(ValueError, match="yangchang"):
        await sites.write(lambda tx: tx.sites.add_site(YANGCHANG))
    assert len(await sites.read(lambda tx: tx.sites.destinations_of("yangchang"))) == 1


async def test_sites_are_listed_by_id_and_the_inbox_to_nobody_with_a_limit(sites):
    everything = await sites.read(lambda tx: tx.sites.sites(EVERYWHERE))
    assert [site.id for site in everything] == ["bazhu", INBOX_SITE_ID, "yangchang"]
    limited = Scope(frozenset({"yangchang", INBOX_SITE_ID}))
    assert await sites.read(lambda tx: tx.sites.sites(limited)) == [YANGCHANG]
    assert await sites.read(lambda tx: tx.sites.sites(Scope(frozenset()))) == []


async def test_a_site_is_changed_but_for_its_id(sites):
    changed = dataclasses.replace(YANGCHANG, name="新名", is_enabled=False)
    assert await sites.write(lambda tx: tx.sites.update_site(changed)) is True
    assert await sites.read(lambda tx: tx.sites.site("yangchang")) == changed
    assert await sites.write(lambda tx: tx.sites.update_site(dataclasses.replace(changed, id="x"))) is False


async def test_a_device_is_found_by_its_title_and_an_exact_address_wins(sites):
    def add(tx):
        tx.sites.add_device(device("anywhere"))
        tx.sites.add_device(device("exact", address="10.0.0.5"))
        tx.sites.add_device(device("off", ae_title="DR2", is_enabled=False))

    await sites.write(add)
    assert await find(sites, "DR1", "10.0.0.5") == "exact"
    assert await find(sites, "DR1", "10.0.0.6") == "anywhere"
    assert await find(sites, "DR2", "10.0.0.5") is None
    assert await find(sites, "dr1", "10.0.0.5") is None, "AE titles are told apart by case (PS3.8)"


async def test_a_title_is_registered_once_per_address(sites):
    await sites.write(lambda tx: tx.sites.add_device(device("first", address="10.0.0.5")))
    with pytest.raises(ValueError, match="DR1"):
        await sites.write(lambda tx: tx.sites.add_device(device("second", address="10.0.0.5")))
    await sites.write(lambda tx: tx.sites.add_device(device("third", address="10.0.0.6")))
    with pytest.raises(ValueError, match="DR1"):
        await sites.write(lambda tx: tx.sites.update_device(device("third", address="10.0.0.5")))
    moved = device("third", address="10.0.0.7", character_set="gb18030", site_id="bazhu")
    assert await sites.write(lambda tx: tx.sites.update_device(moved)) is True
    assert await sites.read(lambda tx: tx.sites.device("third")) == moved
    assert [d.id for d in await sites.read(lambda tx: tx.sites.devices(Scope(frozenset({"bazhu"}))))] == ["third"]
    assert len(await sites.read(lambda tx: tx.sites.devices(EVERYWHERE))) == 2


async def test_an_unknown_caller_is_counted_until_it_is_settled(sites):
    async def knock(at_s):
        return await sites.write(lambda tx: tx.sites.knock("NEW", "10.0.0.9", START + timedelta(seconds=at_s)))

    first = await knock(0)
    second = await knock(60)
    assert (second.id, second.count, second.first_at) == (first.id, 2, START)
    assert second.last_at == START + timedelta(seconds=60)
    assert await sites.read(lambda tx: tx.sites.knocks()) == [second]
    assert await sites.write(lambda tx: tx.sites.settle_knock(first.id, accepted=False)) is True
    assert await sites.read(lambda tx: tx.sites.knocks()) == []
    assert (await knock(120)).state is KnockState.DISMISSED
    assert len(await sites.read(lambda tx: tx.sites.knocks(include_settled=True))) == 1
    assert (await sites.read(lambda tx: tx.sites.get_knock(first.id))).count == 3


async def test_a_caller_that_was_accepted_and_is_unknown_again_waits_again(sites):
    knock = await sites.write(lambda tx: tx.sites.knock("NEW", "10.0.0.9", START))
    await sites.write(lambda tx: tx.sites.settle_knock(knock.id, accepted=True))
    assert (await sites.read(lambda tx: tx.sites.get_knock(knock.id))).state is KnockState.ACCEPTED
    again = await sites.write(lambda tx: tx.sites.knock("NEW", "10.0.0.9", START))
    assert again.state is KnockState.WAITING
    assert await sites.write(lambda tx: tx.sites.settle_knock("nobody", accepted=True)) is False


async def test_reports_of_a_site_go_to_its_enabled_destinations(sites):
    node = Destination("node", "yangchang", DestinationKind.DICOM, "诊所工作站", "CLINIC", "10.0.0.5", 11112)
    await sites.write(lambda tx: tx.sites.add_destination(node))
    assert await sites.read(lambda tx: tx.sites.destination("node")) == node
    assert {d.id for d in await sites.read(lambda tx: tx.sites.destinations_of("yangchang"))} == {
        "node", "yangchang-page"}
    off = dataclasses.replace(node, is_enabled=False)
    assert await sites.write(lambda tx: tx.sites.update_destination(off)) is True
    assert [d.id for d in await sites.read(lambda tx: tx.sites.destinations_of("yangchang"))] == ["yangchang-page"]
    seen = await sites.read(lambda tx: tx.sites.destinations(Scope(frozenset({"bazhu"}))))
    assert [d.id for d in seen] == ["bazhu-page"]
