"""An ECG whose patient nobody has named: it may be read, and nothing about it is signed."""

from __future__ import annotations

import pytest

from gateway.core.errors import NotNow
from gateway.services.sign_report import prepare_signing
from gateway.services.write_report import save_draft
from storage.model import EVERYWHERE, ReportState
from storage.model.ecg_intake import EcgIdentity, IdentityState
from tests.support.report_builders import WRITER, a_text, furnish


@pytest.mark.parametrize("state", [IdentityState.WAITING, IdentityState.NOBODY])
async def test_the_ecg_of_nobody_is_not_signed_not_even_in_an_emergency(parts, state):
    """A7: a report is about a person."""
    room = await furnish(parts)
    await parts.database.write(lambda tx: tx.ecg_identities.add(
        EcgIdentity(room.study.id, parts.clock(), state, room.study.patient.id, None)))
    await save_draft(parts, WRITER, room.reading.id, a_text(), template_id="T1", revision=0)
    with pytest.raises(NotNow) as refused:
        await prepare_signing(parts, WRITER, room.reading.id)
    assert refused.value.reason == "patient-unidentified"
    kept = await parts.database.read(lambda tx: tx.reports.versions(room.reading.id, EVERYWHERE))
    assert [report.state for report in kept] == [ReportState.DRAFT]
