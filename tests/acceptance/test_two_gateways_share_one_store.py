"""The same program on PostgreSQL and S3, twice: what one acknowledges the other shows, and finishes after a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import dicom_builders as dicom
from tests.support.clinic_county import PASSWORD, SITE, Storescp, log_in, readings, set_up, storescu, wait_for
from tests.support.running_gateway import RunningGateway
from tests.support.seaweedfs import SeaweedServer

pytestmark = pytest.mark.acceptance


def _node(folder: Path, name: str, postgres_url: str, seaweed: SeaweedServer) -> RunningGateway:
    return RunningGateway(folder / name, environment={
        "READING_GATEWAY_NODE": name, "READING_GATEWAY_DATABASE_URL": postgres_url,
        "READING_GATEWAY_OBJECTS_URL": "s3://gateway-test/two", "READING_GATEWAY_S3_ENDPOINT": seaweed.endpoint,
        "READING_GATEWAY_S3_ACCESS_KEY_ID": seaweed.access_key_id,
        "READING_GATEWAY_S3_SECRET_ACCESS_KEY": seaweed.secret_access_key})


def test_one_gateway_finishes_what_the_other_acknowledged_before_it_was_killed(
        tmp_path: Path, postgres_url: str, seaweed_server: SeaweedServer) -> None:
    with Storescp(tmp_path / "node") as clinic_node, \
            _node(tmp_path, "node-a", postgres_url, seaweed_server) as first, \
            _node(tmp_path, "node-b", postgres_url, seaweed_server) as second:
        set_up(first, node_port=clinic_node.port)
        film = dicom.dx_image(AccessionNumber="TWO1", patient=dicom.Patient(patient_id="P2"))
        path = tmp_path / "film.dcm"
        path.write_bytes(film)
        writer, reviewer = log_in(second, "writer"), log_in(second, "reviewer")
        with writer.get(f"{second.url}/api/events", stream=True, timeout=(5, 30)) as stream:
            storescu(first, path)
            news = next(event for event in _events(stream, within_s=20) if event["kind"] == "arrival")
        first.kill()          # acknowledged, not yet complete: the other node owns it now

        row = wait_for(lambda: next(iter(readings(writer, second, q="TWO1")), None), within_s=90,
                       why="the film reached the worklist through the other node")
        assert (news["site_id"], news["study_id"]) == (SITE, row["study_id"]), "told live by the other node"
        back = writer.get(f"{second.url}/dicom-web/studies/{_uid(film)}", timeout=30)
        assert dicom.dataset_of(film) in back.content

        base = f"{second.url}/api/readings/{row['id']}"
        _ok(writer.post(f"{base}/claim"))
        text: Any = {"technique": "后前位", "findings": "两肺清晰", "impression": "未见异常", "is_positive": False}
        _ok(writer.put(f"{base}/draft", json={"text": text, "template_id": "", "revision": 0}))
        _ok(writer.post(f"{base}/submit"))
        _ok(reviewer.post(f"{base}/claim"))
        shown = _ok(reviewer.get(f"{base}/signing")).json()
        _ok(reviewer.post(f"{base}/sign", json={"password": PASSWORD, "text_sha256": shown["text_sha256"]}))
        wait_for(clinic_node.files, within_s=60, why="the report reached the clinic's node")
        answer = second.command("verify")
        assert answer["is_sound"], answer


def _events(stream: requests.Response, *, within_s: float) -> Iterator[dict[str, str]]:
    """What a browser hears on /api/events; fails when the time is over."""
    deadline = time.monotonic() + within_s
    for line in stream.iter_lines():
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))
        assert time.monotonic() < deadline, f"not heard within {within_s} s"


def _uid(part10: bytes) -> str:
    from io import BytesIO

    from pydicom import dcmread

    return str(dcmread(BytesIO(part10), stop_before_pixels=True).StudyInstanceUID)


def _ok(answer: requests.Response) -> requests.Response:
    assert answer.status_code < 300, answer.text
    return answer
