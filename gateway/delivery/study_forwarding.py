"""A whole study to another node: C-STORE of its objects on few associations, or an Orthanc's REST API.

Success, warnings (Bxxx) and "I have it already" (0111) mean that the node keeps an object (PS3.4 B.2.3). What was
kept is told object by object, so that a line that breaks in the middle costs only the rest.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from gateway.core.errors import DestinationRefused, DestinationUnavailable, Unreadable
from gateway.delivery.dicom_destination import judge_status
from gateway.delivery.orthanc_destination import upload
from gateway.services.ports import ForwardChannel, ForwardObject
from gateway.settings import Settings
from gateway.wire.requestor import PeerNotTrusted, RemoteNode
from gateway.wire.store_scu import CannotBeSent, OutgoingInstance, PeerRefused, PeerUnavailable, send_instances
from gateway.wire.tls_context import ClientTls, TlsFault, client_context
from storage.errors import StorageError
from storage.model import Destination, DestinationKind

_DUPLICATE = 0x0111
OnKept = Callable[[str], None]


def forward_channels(settings: Settings, *, tls: ClientTls | None = None) -> Mapping[DestinationKind, ForwardChannel]:
    """What main hands to services.forward_study.handlers."""
    return {
        DestinationKind.DICOM: DicomForwarding(settings.ae_title, timeout_s=settings.network_timeout_s, tls=tls),
        DestinationKind.ORTHANC: OrthancForwarding(timeout_s=settings.network_timeout_s),
    }


class DicomForwarding:
    """To a node by C-STORE, each object as it is stored where the node takes its transfer syntax."""

    def __init__(self, calling_ae_title: str, *, timeout_s: float, tls: ClientTls | None = None) -> None:
        self._calling_ae_title = calling_ae_title
        self._timeout_s = timeout_s
        self._tls = tls

    async def forward(self, objects: Sequence[ForwardObject], destination: Destination, on_kept: OnKept) -> None:
        """Return once the node keeps all of them."""
        where = f"{destination.name}({destination.ae_title}@{destination.host}:{destination.port})"
        if not destination.ae_title or not destination.host or not destination.port:
            raise DestinationRefused(f"{where} 没有填全 AE 标题、地址或端口。")
        node = RemoteNode(destination.host, destination.port, destination.ae_title, self._calling_ae_title,
                          self._timeout_s, self._secured(destination, where))
        try:
            failed = await asyncio.to_thread(_send, objects, node, on_kept)
        except PeerRefused as exc:
            if exc.is_transient:
                raise DestinationUnavailable(f"{where} 现在忙，暂时不接受连接，稍后自动重试。") from exc
            raise DestinationRefused(f"{where} 拒绝了连接，请核对双方的 AE 标题与接收设置。") from exc
        except PeerNotTrusted as exc:
            raise DestinationUnavailable(f"{where} 的 TLS 安全连接没有建立，稍后自动重试。") from exc
        except (PeerUnavailable, OSError) as exc:
            raise DestinationUnavailable(f"{where} 连不上、没有应答或中途断线，稍后自动重试。") from exc
        if failed:
            judge_status(min(failed, key=_may_come_right), where=f"{where} 没有收下 {len(failed)} 个对象：")

    def _secured(self, destination: Destination, where: str) -> ssl.SSLContext | None:
        try:
            return client_context(self._tls, destination.certificate_sha256) if destination.uses_tls else None
        except TlsFault as exc:
            raise DestinationUnavailable(f"{where} 要用 TLS，但网关自己的证书或信任的证书不可用：{exc}") from exc


class OrthancForwarding:
    """To an Orthanc, one Part 10 file after the other; it knows what it has already."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    async def forward(self, objects: Sequence[ForwardObject], destination: Destination, on_kept: OnKept) -> None:
        """Return once Orthanc keeps all of them."""
        if not destination.host or not destination.port:
            raise DestinationRefused(f"{destination.name} 没有填地址或端口。")
        for one in objects:
            try:
                part10 = await asyncio.to_thread(one.part10)
            except StorageError as exc:
                raise DestinationUnavailable(f"影像文件暂时读不出来({type(exc).__name__})。") from exc
            await asyncio.to_thread(upload, part10, destination, timeout_s=self._timeout_s)
            on_kept(one.sop_instance_uid)


def _send(objects: Sequence[ForwardObject], node: RemoteNode, on_kept: OnKept) -> list[int]:
    """The statuses of what was not kept."""
    failed = []
    for result in send_instances([_instance(one) for one in objects], node):
        if result.is_kept or result.status == _DUPLICATE:
            on_kept(result.instance.sop_instance_uid)
        else:
            failed.append(result.status)
    return failed


def _instance(one: ForwardObject) -> OutgoingInstance:
    def open_dataset(transfer_syntax_uid: str) -> BinaryIO:
        try:
            return one.open_as(transfer_syntax_uid)
        except (Unreadable, StorageError) as exc:
            raise CannotBeSent(str(exc)) from exc

    return OutgoingInstance(one.sop_class_uid, one.sop_instance_uid, one.transfer_syntaxes, open_dataset)


def _may_come_right(status: int) -> int:
    """Out of resources first: while anything may still be taken, it is tried again."""
    return 0 if status & 0xFF00 == 0xA700 else 1
