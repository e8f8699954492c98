"""Both engines for a whole receiver: SQLite with files, and PostgreSQL with S3 (SeaweedFS)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest


@pytest.fixture(params=["sqlite and files", "postgresql and s3"])
def engine(request) -> dict[str, Any]:
    """The settings that choose an empty store of this engine."""
    if request.param == "sqlite and files":
        return {}
    database_url: str = request.getfixturevalue("postgres_server").new_store()
    address = dataclasses.asdict(request.getfixturevalue("seaweed_server").new_bucket())
    return {"database_url": database_url, **address}
