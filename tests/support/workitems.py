"""What other systems send about workitems, and a study for them to read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.core.workitem_record import Json, code, value
from gateway.services.workitems.outsider import Outsider
from storage.model import Scope
from storage.model.workitems import Channel

PERFORMED: Json = value("SQ", {
    "00404028": value("SQ", code("READER1", "99DEMO", "Demo workstation")),
    "00404050": value("DT", "20260302090000"), "00404051": value("DT", "20260302091000"),
    "00404019": value("SQ", code("110005", "DCM", "Interpretation")),
    "00404033": value("SQ", {
        "0040E020": value("CS", "DICOM"), "0020000D": value("UI", "1.2.3"), "0020000E": value("UI", "1.2.3.4"),
        "00081199": value("SQ", {"00081150": value("UI", "1.2.840.10008.5.1.4.1.1.88.11"),
                                 "00081155": value("UI", "1.2.3.4.5")})}),
})


def performed(study_instance_uid: str, sop_instance_uid: str) -> Json:
    """A Performed Procedure Sequence whose output is this object."""
    item = PERFORMED["Value"][0]
    [output] = item["00404033"]["Value"]
    named = {**output["00081199"]["Value"][0], "00081155": value("UI", sop_instance_uid)}
    return value("SQ", {**item, "00404033": value("SQ", {
        **output, "0020000D": value("UI", study_instance_uid), "00081199": value("SQ", named)})})


def creation(study_instance_uid: str, **more: Any) -> Json:
    """The data set of a request for a reading of this study."""
    return {
        "00741200": value("CS", "MEDIUM"), "00741204": value("LO", "演示请求"), "00741202": value("LO"),
        "00404005": value("DT", "20260302090000"), "00404041": value("CS", "READY"),
        "00741000": value("CS", "SCHEDULED"), "00400400": value("LT", "请排除气胸"), "00741216": value("SQ"),
        "00404021": value("SQ", {"0040E020": value("CS", "DICOM"), "0020000D": value("UI", study_instance_uid),
                                 "00081199": value("SQ")}), **more}


def machine(site_id: str, *, is_performer: bool = True, name: str = "READER1") -> Outsider:
    """A machine of a site, as the web edge makes it of a token."""
    return Outsider(f"token:{name}", f"token:{name}", name, "127.0.0.1", site_id, Channel.WEB,
                    scope=Scope(frozenset({site_id})), is_performer=is_performer)


def elsewhere(who: Outsider, site_id: str) -> Outsider:
    """The same machine, of another site."""
    return replace(who, site_id=site_id, scope=Scope(frozenset({site_id})))
