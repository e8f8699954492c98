"""Every kind of destination and what delivers to it. A new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.delivery.clinic_page import ClinicPage
from gateway.delivery.commitment import NodeCommitment
from gateway.delivery.dicom_destination import DicomDestination
from gateway.delivery.orthanc_destination import OrthancDestination
from gateway.services.ports import DeliveryChannel
from gateway.settings import Settings
from gateway.wire.tls_context import ClientTls
from storage.model import DestinationKind


def open_channels(settings: Settings, *, commitment: NodeCommitment | None = None,
                  tls: ClientTls | None = None) -> Mapping[DestinationKind, DeliveryChannel]:
    """What main hands to services.deliver.handlers."""
    return {
        DestinationKind.CLINIC_PAGE: ClinicPage(),
        DestinationKind.DICOM: DicomDestination(calling_ae_title=settings.ae_title,
                                                timeout_s=settings.network_timeout_s, commitment=commitment,
                                                tls=tls),
        DestinationKind.ORTHANC: OrthancDestination(timeout_s=settings.network_timeout_s),
    }
