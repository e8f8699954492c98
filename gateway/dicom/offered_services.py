"""The services of the DICOM port beside verification and storage: one line each."""

from __future__ import annotations

from gateway.dicom.port_context import PortContext as PortContext
from gateway.dicom.query_scp import query_service
from gateway.wire.dimse_service import DimseService


def offered_services(context: PortContext) -> list[DimseService]:
    """Every service that is not storage; their SOP classes differ."""
    return [
        query_service(context),
    ]
