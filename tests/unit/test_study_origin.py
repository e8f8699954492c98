"""Which site asked for a study: by evidence that agrees, or by a person; never by a guess (A7, J4)."""

from __future__ import annotations

import pytest

from gateway.core.study_origin import Seen, find_origin, first_rule, fits, normalised
from storage.model import (
    INBOX_SITE_ID,
    Comparison,
    Device,
    Evidence,
    EvidenceKind,
    OriginState,
    RelayRule,
    Site,
    SiteKind,
)

NORTH = Site("north", "北河镇卫生院", "Beihe", SiteKind.TOWNSHIP)
SOUTH = Site("south", "南山乡卫生院", "Nanshan", SiteKind.TOWNSHIP)
CENTRE = Site("centre", "县影像中心", "Centre", SiteKind.CENTRE)
SITES = (Site(INBOX_SITE_ID, "未登记设备", "", SiteKind.INBOX), NORTH, SOUTH, CENTRE)
SHOWN = "ab" * 32


def device(**more):
    return Device("d-1", more.pop("site_id", "north"), "DR", "DR_1", None, "DX", **more)


def rule(element="InstitutionName", text="北河", site_id="north", comparison=Comparison.CONTAINS, **more):
    return RelayRule("r", 1, more.pop("device_id", None), element, comparison, text, site_id, **more)


def seen(by=None, *, sender_site_id="north", certificate_sha256="", ordered_by=(), **elements):
    elements = {"CallingAETitle": "DR_1", "CallingAddress": "10.0.0.5", **elements}
    return Seen(sender_site_id, by, certificate_sha256, elements, ordered_by)


def found(what, rules=()):
    return find_origin(what, sites=SITES, rules=rules)


def test_a_registered_device_says_where_its_studies_come_from():
    origin = found(seen(device()))
    assert (origin.state, origin.site_id, origin.decided_by) == (OriginState.SETTLED, "north", EvidenceKind.DEVICE)
    assert origin.evidence == (Evidence(EvidenceKind.DEVICE, "DR_1 @ 10.0.0.5", "north"),)


def test_the_certificate_of_the_device_is_stronger_evidence_than_its_title():
    origin = found(seen(device(certificate_sha256=SHOWN), certificate_sha256=SHOWN))
    assert (origin.site_id, origin.decided_by) == ("north", EvidenceKind.CERTIFICATE)
    other = found(seen(device(), certificate_sha256=SHOWN))
    assert other.decided_by is EvidenceKind.DEVICE, "a certificate that nobody registered proves nothing"
    assert Evidence(EvidenceKind.CERTIFICATE, SHOWN, "") in other.evidence


def test_an_institution_name_that_agrees_or_is_nobodys_changes_nothing():
    for name in ("北河镇卫生院", " 北 河镇卫生院", "Beihe", "BEIHE", "Some Hospital", "卫生院"):
        assert found(seen(device(), InstitutionName=name)).site_id == "north", name


def test_the_institution_name_of_another_site_is_for_a_person():
    origin = found(seen(device(), InstitutionName="南山乡卫生院"))
    assert (origin.state, origin.site_id, origin.decided_by, origin.why) == (
        OriginState.WAITING, "", None, "sites-differ")
    assert Evidence(EvidenceKind.INSTITUTION, "南山乡卫生院", "south") in origin.evidence


def test_an_order_of_another_site_is_for_a_person():
    assert found(seen(device(), ordered_by=(("south", "Study Instance UID"),))).why == "sites-differ"
    assert found(seen(device(), ordered_by=(("north", "Study Instance UID"),))).site_id == "north"


def test_a_relay_says_nothing_by_itself():
    origin = found(seen(device(is_relay=True, site_id="centre", certificate_sha256=SHOWN), sender_site_id="centre",
                        certificate_sha256=SHOWN, InstitutionName="北河镇卫生院"))
    assert (origin.state, origin.why) == (OriginState.WAITING, "no-relay-rule"), "nor by a name that happens to fit"


def test_a_rule_says_whose_study_a_relay_brings():
    origin = found(seen(device(is_relay=True, site_id="centre"), sender_site_id="centre", InstitutionName="北河分院"),
                   [rule()])
    assert (origin.state, origin.site_id, origin.decided_by) == (
        OriginState.SETTLED, "north", EvidenceKind.RELAY_RULE)


def test_an_order_says_whose_study_a_relay_brings_and_may_contradict_a_rule():
    relay = device(is_relay=True, site_id="centre")
    ordered = seen(relay, sender_site_id="centre", ordered_by=(("south", "Study Instance UID"),), StationName="N1")
    assert (found(ordered).site_id, found(ordered).decided_by) == ("south", EvidenceKind.ORDER)
    assert found(ordered, [rule("StationName", "N1")]).why == "sites-differ"
    assert found(ordered, [rule("StationName", "N1", "south")]).site_id == "south"


def test_what_a_rule_says_of_a_name_counts_instead_of_the_name_itself():
    """The relay writes the name of one site into everything; the administrator said what it means."""
    relay = device(is_relay=True, site_id="centre")
    what = seen(relay, sender_site_id="centre", InstitutionName="南山乡卫生院", StationName="N1")
    assert found(what, [rule(text="南山乡卫生院", site_id="north")]).site_id == "north"
    assert found(what, [rule("StationName", "N1")]).why == "sites-differ", "this rule reads something else"


def test_rules_of_a_device_that_is_no_relay_are_not_asked():
    assert found(seen(device(), InstitutionName="北河分院"), [rule(site_id="south")]).site_id == "north"


def test_an_unregistered_sender_is_no_question_for_the_queue():
    origin = found(seen(None, sender_site_id=INBOX_SITE_ID, InstitutionName="北河镇卫生院"))
    assert (origin.state, origin.why, origin.site_id) == (OriginState.UNREGISTERED, "unregistered", "")


def test_an_upload_comes_from_the_site_of_its_account():
    origin = found(seen(None, sender_site_id="south"))
    assert (origin.site_id, origin.decided_by) == ("south", EvidenceKind.ACCOUNT)
    assert found(seen(None, sender_site_id="south", InstitutionName="北河镇卫生院")).why == "sites-differ"


def test_the_first_rule_that_fits_decides():
    rules = [rule(site_id="north", is_enabled=False), rule(site_id="gone"), rule(site_id="south", device_id="d-2"),
             rule("StationName", "X", "south"), rule(site_id="south", device_id="d-1"), rule(site_id="north")]
    known = {site.id for site in SITES}
    assert first_rule(rules, {"InstitutionName": "北河分院"}, "d-1", known) is rules[4]
    assert first_rule(rules, {"InstitutionName": "北河分院"}, "d-3", known) is rules[5]
    assert first_rule(rules, {"InstitutionName": "东河"}, "d-1", known) is None
    assert first_rule(rules, {}, "d-1", known) is None


@pytest.mark.parametrize(("comparison", "wanted", "said", "does_fit"), [
    (Comparison.EQUALS, "北河卫生院", "北河 卫生院", True),
    (Comparison.EQUALS, "北河卫生院", "北河卫生院分院", False),
    (Comparison.CONTAINS, "ＤＲ１", "room dr1", True),
    (Comparison.STARTS_WITH, "bh-", "BH-00017", True),
    (Comparison.STARTS_WITH, "bh-", "X BH-00017", False),
    (Comparison.CONTAINS, "北河", "", False),
])
def test_width_capitals_and_spaces_make_no_difference(comparison, wanted, said, does_fit):
    assert fits(rule("PatientID", wanted, comparison=comparison), {"PatientID": said}) is does_fit


def test_a_rule_of_spaces_alone_fits_nothing():
    assert not fits(rule(text="　 "), {"InstitutionName": "北河"})
    assert normalised(" Ａ b　C ") == "abc"
