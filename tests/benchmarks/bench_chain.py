"""The chain's own share of a study's way, on the shipped program: medians of 20 over real ports.

Goals: last image stored → task on the list ≤ 2 s where there is evidence; signed → at the clinic p95 ≤ 3 s online.
The fast film says how many instances its study has; the slow one leaves the gateway to wait for silence
(`quiet_period_s`, 5 s), as most modalities do.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil
import requests

from tests.benchmarks.row import Row
from tests.support import dicom_builders as dicom
from tests.support.clinic_county import PASSWORD, Storescp, log_in, readings, set_up, storescu, wait_for
from tests.support.ecg_builders import aecg
from tests.support.running_gateway import RunningGateway

TIMES = 20


def measure() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as folder, Storescp(Path(folder) / "node") as node, \
            RunningGateway(Path(folder) / "var") as gateway:
        token = set_up(gateway, node_port=node.port)
        process = psutil.Process(gateway.pid)
        yield Row("memory, idle", process.memory_info().rss / 1e6, "MB")
        writer, reviewer = log_in(gateway, "writer"), log_in(gateway, "reviewer")

        films = [_film_to_worklist(gateway, writer, Path(folder), number, count=1) for number in range(TIMES)]
        yield Row("C-STORE answered → on the worklist (study's count known)", median(films), "s", goal="≤ 2")
        films = [_film_to_worklist(gateway, writer, Path(folder), number) for number in range(TIMES, TIMES + 3)]
        yield Row("the same by silence alone (3 films)", median(films), "s", goal="quiet_period_s = 5")
        ecgs = [_ecg_to_worklist(gateway, writer, token, number) for number in range(TIMES)]
        yield Row("ECG answered → on the worklist", median(ecgs), "s", goal="≤ 2 on LAN")

        pages, nodes = [], []
        for row in readings(writer, gateway, state="unread")[:TIMES]:
            page_s, node_s = _sign_to_clinic(gateway, writer, reviewer, row["id"], node)
            pages.append(page_s)
            nodes.append(node_s)
        yield Row("signature answered → on the clinic's page", median(pages), "s", goal="p95 ≤ 3")
        yield Row("signature answered → file at the clinic's node", median(nodes), "s", goal="p95 ≤ 3")
        yield Row("the same, 95th percentile", quantiles(nodes, n=20)[-1], "s", goal="≤ 3")
        yield Row("memory, after 40 studies and 20 reports", process.memory_info().rss / 1e6, "MB")


def _wait_for_row(gateway: RunningGateway, session: requests.Session, accession: str) -> float:
    start = time.perf_counter()
    wait_for(lambda: any(row["accession_number"] == accession for row in readings(session, gateway, q=accession)))
    return time.perf_counter() - start


def _film_to_worklist(gateway: RunningGateway, session: requests.Session, folder: Path, number: int, *,
                      count: int | None = None) -> float:
    known: dict[str, Any] = {} if count is None else {"NumberOfStudyRelatedInstances": count}
    film = dicom.dx_image(rows=2048, columns=2500, AccessionNumber=f"FILM{number}", **known,
                          patient=dicom.Patient(patient_id=f"B{number}"))
    path = folder / "film.dcm"
    path.write_bytes(film)
    storescu(gateway, path)
    return _wait_for_row(gateway, session, f"FILM{number}")


def _ecg_to_worklist(gateway: RunningGateway, session: requests.Session, token: str, number: int) -> float:
    before = {row["id"] for row in readings(session, gateway, kind="ecg")}
    ecg = aecg(patient_id=f"E{number}", head=f"202603020830{number:02}")
    bearer = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{gateway.url}/api/ecg", data=ecg, headers=bearer, timeout=30)
    assert answer.status_code == 201, answer.text
    start = time.perf_counter()
    wait_for(lambda: {row["id"] for row in readings(session, gateway, kind="ecg")} - before)
    return time.perf_counter() - start


def _sign_to_clinic(gateway: RunningGateway, writer: requests.Session, reviewer: requests.Session, reading_id: str,
                    node: Storescp) -> tuple[float, float]:
    base = f"{gateway.url}/api/readings/{reading_id}"
    clinic = log_in(gateway, "clinic")
    _ok(writer.post(f"{base}/claim"))
    text: Any = {"technique": "后前位", "findings": "两肺清晰", "impression": "未见异常", "is_positive": False}
    _ok(writer.put(f"{base}/draft", json={"text": text, "template_id": "", "revision": 0}))
    _ok(writer.post(f"{base}/submit"))
    _ok(reviewer.post(f"{base}/claim"))
    shown = _ok(reviewer.get(f"{base}/signing")).json()
    before = len(node.files())
    _ok(reviewer.post(f"{base}/sign", json={"password": PASSWORD, "text_sha256": shown["text_sha256"]}))
    start = time.perf_counter()

    def on_page() -> bool:
        items = _ok(clinic.get(f"{gateway.url}/api/clinic/studies", params={"limit": "200"})).json()["items"]
        return any(item["report_id"] == shown["report_id"] for item in items)

    wait_for(on_page)
    page_s = time.perf_counter() - start
    wait_for(lambda: len(node.files()) > before)
    return page_s, time.perf_counter() - start


def _ok(answer: requests.Response) -> requests.Response:
    assert answer.status_code < 300, answer.text
    return answer
