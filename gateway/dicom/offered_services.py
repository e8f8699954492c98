"""The services of the DICOM port beside verification and storage: one line each."""

from __future__ import annotations

from gateway.dicom.commitment_scp import commitment_service
from gateway.dicom.mpps_scp import mpps_service
from gateway.dicom.port_context import PortContext as PortContext
from gateway.dicom.query_scp import query_service
from gateway.dicom.retrieve_scp import retrieve_service
from gateway.dicom.ups_scp import ups_services
from gateway.dicom.worklist_scp import worklist_service
from gateway.wire.dimse_service import DimseService


def offered_services(context: PortContext) -> list[DimseService]:
    """Every service that is not storage; their SOP classes differ."""
    return [
        query_service(context),
        retrieve_service(context),
        worklist_service(context),
        commitment_service(context),
        mpps_service(context),
        *ups_services(context),
    ]
