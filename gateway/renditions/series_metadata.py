"""The DICOM JSON of many instances as one rendition, ready to leave.

A viewer opens a series by its metadata. Reading 200 heads takes a second, reading one file of a megabyte a few
milliseconds; so the finished JSON is kept, with placeholders for what may differ from one answer to the next: where
the study is found, and who the patient is, which a person may correct in the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from gateway.renditions.dicom_json import BASE_PLACEHOLDER, Json

STUDY_PLACEHOLDER = "@study@"
PATIENT_TAGS = ("00100010", "00100020", "00100030", "00100040")


def bundle_name(object_sha256s: Sequence[str], codec: str) -> tuple[str, str]:
    """(key, file name) under which the metadata of these objects, in this order, is kept."""
    key = hashlib.sha256("\n".join(object_sha256s).encode()).hexdigest()
    return key, f"metadata-of-{len(object_sha256s)}-{codec}.json"


def with_placeholders(record: Json, address: str) -> bytes:
    """One instance, encoded. `address` is its path below the study: "/series/…/instances/…"."""
    whole = {**record, **{tag: f"@{tag}@" for tag in PATIENT_TAGS}}
    encoded = msgspec.json.encode(dict(sorted(whole.items())))
    return encoded.replace(f'"BulkDataURI":"{BASE_PLACEHOLDER}/'.encode(),
                           f'"BulkDataURI":"{STUDY_PLACEHOLDER}{address}/'.encode())


def filled_in(bundle: bytes, *, study_url: str, patient: Mapping[str, Json]) -> bytes:
    """The bundle with the answer's own addresses and names. Quotes inside a text are escaped, so none is hit."""
    found = bundle.replace(f'"BulkDataURI":"{STUDY_PLACEHOLDER}/'.encode(), f'"BulkDataURI":"{study_url}/'.encode())
    for tag in PATIENT_TAGS:
        found = found.replace(f'"{tag}":"@{tag}@"'.encode(), f'"{tag}":'.encode() + msgspec.json.encode(patient[tag]))
    return found
