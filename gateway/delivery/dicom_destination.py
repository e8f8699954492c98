"""The clinic's DICOM node: the Encapsulated PDF by C-STORE.

Success and warnings (Bxxx: stored, with a remark) mean that the node keeps it (PS3.4 B.2.3). Out of resources (A7xx)
is tried again; any other answer is final, and a person has to look at the node.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import Protocol

from gateway.core.errors import AwaitingCommitment, DestinationRefused, DestinationUnavailable
from gateway.delivery.commitment import NodeCommitment, Standing
from gateway.services.ports import DeliveryParcel
from gateway.wire.requestor import PeerNotTrusted, RemoteNode
from gateway.wire.store_scu import PeerRefused, PeerUnavailable, send_instance
from gateway.wire.tls_context import ClientTls, TlsFault, client_context
from storage.model import Destination

_DUPLICATE = 0x0111                      # it has this UID: ours, from a try whose answer was lost
_PLAIN = {
    0x0110: "处理失败", 0x0117: "对象标识无效", 0x0122: "不支持这类对象(Encapsulated PDF)",
    0x0124: "没有授权", 0x0211: "不认识这个操作", 0x0212: "参数类型错误",
}


class SendInstance(Protocol):
    """gateway.wire.store_scu.send_instance, or what a test puts in its place."""

    def __call__(self, part10: bytes, /, *, host: str, port: int, called_ae_title: str, calling_ae_title: str,
                 timeout_s: float, ssl_context: ssl.SSLContext | None) -> Awaitable[int]: ...


class DicomDestination:
    """Delivers to one kind of destination, whichever node the row names."""

    def __init__(self, *, calling_ae_title: str, timeout_s: float = 30.0, send: SendInstance = send_instance,
                 commitment: NodeCommitment | None = None, tls: ClientTls | None = None) -> None:
        self._calling_ae_title = calling_ae_title
        self._timeout_s = timeout_s
        self._send = send
        self._tls = tls
        self._commitment = commitment        # None: nobody is asked, whatever the destination says

    async def deliver(self, parcel: DeliveryParcel, destination: Destination) -> None:
        """Return once the node answered that it keeps the object; with its commitment, where that is wanted."""
        where = f"{destination.name}({destination.ae_title}@{destination.host}:{destination.port})"
        if not destination.ae_title or not destination.host or not destination.port:
            raise DestinationRefused(f"{where} 没有填全 AE 标题、地址或端口。")
        commitment = self._commitment if destination.asks_commitment else None
        standing = Standing.OPEN if commitment is None else await commitment.standing(parcel.delivery.id)
        if standing is Standing.OPEN:
            await self._store(parcel, self._node(destination, where), where)
            if commitment is None:
                return
            standing = await commitment.ask(parcel, self._node(destination, where), where=where)
        if standing is not Standing.COMMITTED:
            raise AwaitingCommitment(f"{where} 已收到报告，正在等它确认长期保存（存储承诺）。")

    def _node(self, destination: Destination, where: str) -> RemoteNode:
        try:
            secured = client_context(self._tls, destination.certificate_sha256) if destination.uses_tls else None
        except TlsFault as exc:
            raise DestinationUnavailable(f"{where} 要用 TLS，但网关自己的证书或信任的证书不可用：{exc}") from exc
        return RemoteNode(destination.host, destination.port, destination.ae_title, self._calling_ae_title,
                          self._timeout_s, secured)

    async def _store(self, parcel: DeliveryParcel, node: RemoteNode, where: str) -> None:
        try:
            status = await self._send(parcel.dicom, host=node.host, port=node.port,
                                      called_ae_title=node.called_ae_title, calling_ae_title=node.calling_ae_title,
                                      timeout_s=node.timeout_s, ssl_context=node.ssl_context)
        except PeerRefused as exc:
            if exc.is_transient:
                raise DestinationUnavailable(f"{where} 现在忙，暂时不接受连接，稍后自动重试。") from exc
            raise DestinationRefused(f"{where} 拒绝了连接或这类对象，请核对双方的 AE 标题与接收设置。") from exc
        except PeerNotTrusted as exc:
            raise DestinationUnavailable(f"{where} 的 TLS 安全连接没有建立(证书不被信任或已过期，或对方不用 TLS)，"
                                         "稍后自动重试。") from exc
        except (PeerUnavailable, OSError) as exc:
            raise DestinationUnavailable(f"{where} 连不上或没有应答，稍后自动重试。") from exc
        judge_status(status, where=where)


def judge_status(status: int, *, where: str) -> None:
    """Return when the object is kept. Raises DestinationUnavailable or DestinationRefused, in plain words."""
    if status in (0x0000, _DUPLICATE) or status & 0xF000 == 0xB000:
        return
    if status & 0xFF00 == 0xA700:
        raise DestinationUnavailable(f"{where} 暂时没有空间（状态 {status:04X}），稍后自动重试。")
    family = {0xA: "对象与类别不符", 0xC: "读不懂这个对象"}.get(status >> 12, "拒绝接收")
    raise DestinationRefused(f"{where} {_PLAIN.get(status, family)}(状态 {status:04X})。")
