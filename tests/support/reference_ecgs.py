"""The shared reference ECGs: their bytes, and what independent decoders made of them (MANIFEST.md, facts.json)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Any

import numpy as np

from gateway.core.waveform import MISSING_NV, EcgLead, EcgRecord
from gateway.formats import scp_ecg
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import pack
from tests.support.ecg_builders import TESTDATA

_FACTS_FILE = TESTDATA / "facts.json"
FACTS: dict[str, dict[str, Any]] = json.loads(_FACTS_FILE.read_text()) if _FACTS_FILE.is_file() else {}
REFUSED = {"healforce/62.SCP": "healforce-unsupported", "malformed/scp_truncated_bad_crc.scp": "scp-pointer"}
LOSSY = "scp/syn_bimodal_fcm0.scp"                 # the samples published for it are those of its source
STARTS_AT_0 = "scp/contec_demo_v13.scp"            # explained in test_scp_reference.py
BEYOND_32_BITS = "wfdb/formats/binformats.hea"     # two of its ten signals are more than 32-bit nanovolts can hold
DECODABLE = [name for name in FACTS if name not in REFUSED]


def bytes_of(name: str) -> bytes:
    """The file; of a WFDB record header and signal files as one zip."""
    path = TESTDATA / name
    if not name.startswith("wfdb/"):
        return path.read_bytes()
    path = path if name.endswith(".hea") else TESTDATA / f"{name}.hea"
    header = path.read_bytes()
    return pack({path.name: header} | {n: (path.parent / n).read_bytes() for n in signal_files(header)})


def wrong_leads(name: str, record: EcgRecord) -> list[str]:
    """The leads that are not as published: by the hash of their nanovolts, where these are whole numbers.

    Where they are not, right decoders may round a tie differently; then the stored integers count, and the first
    samples within 1 nV. The two files that the manifest calls different are told apart by their names.
    """
    published = FACTS[name]["leads"]
    if [lead.name.upper() for lead in record.leads] != [lead.upper() for lead in published]:
        return [lead.name for lead in record.leads] or ["no leads"]
    behind = [lead.samples[0] for lead in record.leads[1:]] + [0]      # what the decoder of STARTS_AT_0 reads too far
    return [lead.name for lead, facts, next_lead in zip(record.leads, published.values(), behind, strict=True)
            if not _is_as_published(name, lead, facts, int(next_lead))]


def _is_as_published(name: str, lead: EcgLead, facts: dict[str, Any], next_lead: int) -> bool:
    if name == LOSSY:
        return _is_near_its_source(lead)
    if name == STARTS_AT_0:
        microvolts = np.append(lead.samples, next_lead) * 0.183
        six_digits = np.array([round(float(f"{value:.6g}") * 1000) for value in microvolts], dtype="<i4")
        return bool(hashlib.sha256(six_digits.tobytes()).hexdigest() == facts["sha256_nV_i32le"])
    if lead.sha256_nanovolts() == facts["sha256_nV_i32le"]:
        return True
    if "sha256_digital_i32le" not in facts or (lead.nv_per_unit.is_integer() and name != BEYOND_32_BITS):
        return False
    first_nv = np.array([MISSING_NV if v is None else v * 1000 for v in facts["first5_uV"]])
    is_near = name == BEYOND_32_BITS or bool(np.abs(lead.nanovolts()[:5] - first_nv).max() <= 1)
    stored = hashlib.sha256(lead.samples.astype("<i4").tobytes()).hexdigest()
    return is_near and bool(stored == facts["sha256_digital_i32le"])


def _is_near_its_source(lead: EcgLead) -> bool:
    """Within 10 µV rms of the lossless file of the same source."""
    source = scp_ecg.read(bytes_of("scp/syn_refbeat.scp"), time_zone=UTC)
    true = next(other for other in source.leads if other.name == lead.name)
    error_uv = (true.nanovolts() - lead.nanovolts()) / 1000.0
    return float(np.sqrt((error_uv ** 2).mean())) <= 10
