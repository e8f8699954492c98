"""What happened is counted once, under labels that hold no id."""

from __future__ import annotations

import pytest

from gateway.core.errors import Unreadable
from gateway.observability import metrics
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from storage.model import ArrivalVia, Site, SiteKind


def arrivals(outcome):
    labels = {"via": "ecg_upload", "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("reading_gateway_arrivals_total", labels) or 0.0


async def test_an_arrival_is_counted_by_the_way_it_came_and_what_became_of_it(parts):
    await parts.database.write(lambda tx: tx.sites.add_site(Site("a", "演示站", "Demo", SiteKind.TOWNSHIP)))
    before = arrivals("quarantined")
    with pytest.raises(Unreadable):
        await receive_ecg(parts, b"no electrocardiogram at all", Sender("a", None, ArrivalVia.ECG_UPLOAD))
    assert arrivals("quarantined") == before + 1
    assert "no electrocardiogram" not in metrics.exposition().decode()
