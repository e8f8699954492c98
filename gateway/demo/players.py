"""Send what the demo county makes, over the real ports: C-STORE as a modality does, an HTTP post as a cart does.

Runs outside the gateway, in a process of its own. UIDs are fresh in every run, so playing again adds studies.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydicom.dataset import FileDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from gateway.demo import county
from gateway.demo.aecg_file import aecg_bytes
from gateway.demo.chest_ct import SLICE_COUNT, draw_chest_ct
from gateway.demo.chest_film import ChestFilm, draw_chest_film
from gateway.demo.county import DemoDevice
from gateway.demo.demo_patients import CHECK_UP, CHEST_PAIN, COUGH, PALPITATION, DemoPatient
from gateway.demo.dicom_objects import chest_ct_objects, chest_film_object, ecg_object
from gateway.demo.ecg_generator import Rhythm, make_ecg

Report = Callable[[int, int], None]
"""Called with (objects sent, objects in all)."""


class SendFailed(Exception):
    """The gateway did not take what was sent; the text says what it answered."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where to send to."""

    http: str                            # host:port
    dicom_host: str
    dicom_port: int
    ae_title: str
    ingest_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scene:
    """One examination: what is shown to whom, and how it is made and sent."""

    title: str
    object_count: int
    play: Callable[[Gateway, Report], str]   # returns its Study Instance UID, or our id


def scenes(time_zone: ZoneInfo) -> list[Scene]:
    """The examinations of one run: emergency first, as in life."""
    now = datetime.now(time_zone)
    number = now.strftime("%y%m%d%H%M%S")
    east, west = (next(s.name for s in county.SITES if s.id == i) for i in ("demo-east", "demo-west"))

    def chest_pain_ecg(gateway: Gateway, report: Report) -> str:
        data = aecg_bytes(CHEST_PAIN, make_ecg(Rhythm.ANTERIOR_INFARCT), at=now - timedelta(minutes=4),
                          root_id=generate_uid())
        return post_ecg(gateway, data, f"DEMO-{number}.xml", report)

    def chest_pain_film(gateway: Gateway, report: Report) -> str:
        place_order(gateway, CHEST_PAIN, accession_number=f"D{number}1", modality="DX", body_part="CHEST",
                    procedure_description="胸部正位片", urgency="emergency", department="急诊",
                    clinical_diagnosis="突发胸痛、气促一小时", purpose="排除气胸")
        film = chest_film_object(
            CHEST_PAIN, draw_chest_film(ChestFilm(seed=2, has_pneumothorax=True)), at=now - timedelta(minutes=2),
            station=county.EAST_DR.ae_title, institution=east, accession_number=f"D{number}1", is_emergency=True)
        return send(gateway, county.EAST_DR, [film], report)

    def palpitation_ecg(gateway: Gateway, report: Report) -> str:
        recording = ecg_object(
            PALPITATION, make_ecg(Rhythm.ATRIAL_FIBRILLATION, seed=11), at=now - timedelta(minutes=6),
            station=county.WEST_ECG.ae_title, institution=west, accession_number=f"D{number}2")
        return send(gateway, county.WEST_ECG, [recording], report)

    def check_up_film(gateway: Gateway, report: Report) -> str:
        film = chest_film_object(
            CHECK_UP, draw_chest_film(ChestFilm(seed=1)), at=now - timedelta(minutes=15),
            station=county.WEST_DR.ae_title, institution=west, accession_number=f"D{number}3", is_emergency=False,
            character_set="ISO_IR 192")
        return send(gateway, county.WEST_DR, [film], report)

    def cough_ct(gateway: Gateway, report: Report) -> str:
        place_order(gateway, COUGH, accession_number=f"D{number}4", modality="CT", body_part="CHEST",
                    procedure_description="胸部CT平扫", department="全科", clinical_diagnosis="咳嗽两周",
                    purpose="了解肺部情况", expected_count=SLICE_COUNT)
        slices = chest_ct_objects(COUGH, draw_chest_ct(), at=now - timedelta(minutes=25),
                                  station=county.EAST_CT.ae_title, institution=east, accession_number=f"D{number}4")
        return send(gateway, county.EAST_CT, slices, report)

    return [
        Scene(f"{CHEST_PAIN.plain_name} 心电图 ECG  (HL7 aECG → POST /api/ecg)", 1, chest_pain_ecg),
        Scene(f"{CHEST_PAIN.plain_name} 胸片 chest film  (C-STORE {county.EAST_DR.ae_title})", 1, chest_pain_film),
        Scene(f"{PALPITATION.plain_name} 心电图 ECG  (C-STORE {county.WEST_ECG.ae_title})", 1, palpitation_ecg),
        Scene(f"{CHECK_UP.plain_name} 胸片 chest film  (C-STORE {county.WEST_DR.ae_title})", 1, check_up_film),
        Scene(f"{COUGH.plain_name} 胸部CT chest CT  (C-STORE {county.EAST_CT.ae_title})", SLICE_COUNT, cough_ct),
    ]


def send(gateway: Gateway, device: DemoDevice, objects: list[FileDataset], report: Report) -> str:
    """C-STORE the objects in one association. Raises SendFailed."""
    ae = AE(ae_title=device.ae_title)
    for sop_class_uid in {str(ds.SOPClassUID) for ds in objects}:
        ae.add_requested_context(sop_class_uid, ExplicitVRLittleEndian)
    association = ae.associate(gateway.dicom_host, gateway.dicom_port, ae_title=gateway.ae_title)
    if not association.is_established:
        raise SendFailed(f"{device.ae_title}: no association with {gateway.ae_title} at "
                         f"{gateway.dicom_host}:{gateway.dicom_port}")
    try:
        for count, ds in enumerate(objects, start=1):
            status = association.send_c_store(ds)
            if not status or status.Status != 0x0000:
                said = f"0x{status.Status:04X} {status.get('ErrorComment', '')}" if status else "nothing"
                raise SendFailed(f"{device.ae_title}: the gateway answered {said}")
            report(count, len(objects))
    finally:
        association.release()
    return str(objects[0].StudyInstanceUID)


def post_ecg(gateway: Gateway, data: bytes, file_name: str, report: Report) -> str:
    """Post one ECG file; returns our id of its study. Raises SendFailed."""
    body = _post(gateway, "ECG", f"/api/ecg?file_name={quote(file_name)}", data, "application/octet-stream")
    report(1, 1)
    study_id: str = json.loads(body)["study_id"]
    return study_id


def place_order(gateway: Gateway, patient: DemoPatient, **asked: str | int) -> None:
    """Ask for an examination as the clinic's own system would, before its images come. Raises SendFailed."""
    year, month, day = patient.birth_date[:4], patient.birth_date[4:6], patient.birth_date[6:]
    _post(gateway, "order", "/api/orders", json.dumps({
        "site_id": patient.site_id, "patient_id": patient.patient_id, "patient_name": patient.plain_name,
        "name_alphabetic": patient.romanised, "sex": patient.sex, "birth_date": f"{year}-{month}-{day}",
        "requesting_physician": "演示医师", "consent_informed_by": "演示医师",
        "consent_is_written": True, "consent_given_by": patient.plain_name, **asked}).encode(), "application/json")


def _post(gateway: Gateway, what: str, path: str, data: bytes, content_type: str) -> bytes:
    connection = http.client.HTTPConnection(gateway.http, timeout=60)
    try:
        connection.request("POST", path, body=data, headers={
            "Authorization": f"Bearer {gateway.ingest_token}", "Content-Type": content_type})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 201):
            said = body[:300].decode("utf-8", "replace")
            raise SendFailed(f"{what}: the gateway answered {answer.status}: {said}")
        return body
    except OSError as exc:
        raise SendFailed(f"{what}: {exc}") from exc
    finally:
        connection.close()
