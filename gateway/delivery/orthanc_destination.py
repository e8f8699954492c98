"""An Orthanc: the same Encapsulated PDF through its REST API.

orthanc-api-client is a separate library under the LGPL; it is imported when the first report goes this way and runs
in a thread, because it blocks. Orthanc knows an object it already has: a repeat is accepted and stored once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.core.errors import DestinationRefused, DestinationUnavailable
from gateway.services.ports import DeliveryParcel
from storage.model import Destination

_KEPT = ("Success", "AlreadyStored")


class OrthancDestination:
    """Delivers to one kind of destination, whichever Orthanc the row names."""

    def __init__(self, *, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s

    async def deliver(self, parcel: DeliveryParcel, destination: Destination) -> None:
        """Return once Orthanc answered that it keeps the object."""
        if not destination.host or not destination.port:
            raise DestinationRefused(f"{destination.name} 没有填地址或端口。")
        await asyncio.to_thread(upload, parcel.dicom, destination, timeout_s=self._timeout_s)


def upload(part10: bytes, destination: Destination, *, timeout_s: float) -> None:
    """Give Orthanc one object and return once it keeps it. Blocking. Raises as a channel does."""
    from orthanc_api_client import OrthancApiClient, exceptions

    where = f"{destination.name}(Orthanc {destination.host}:{destination.port})"
    client = OrthancApiClient(f"http://{destination.host}:{destination.port}/")
    try:
        answer: Any = client.post("instances", data=part10, timeout=timeout_s).json()
    except (exceptions.ConnectionError, exceptions.TimeoutError) as exc:
        raise DestinationUnavailable(f"{where} 连不上或没有应答，稍后自动重试。") from exc
    except exceptions.HttpError as exc:
        _judge_http(int(exc.http_status_code or 0), where, exc)
    except ValueError as exc:
        raise DestinationUnavailable(f"{where} 的应答读不懂，稍后自动重试。") from exc
    else:
        status = answer.get("Status") if isinstance(answer, dict) else None
        if status not in _KEPT:
            raise DestinationRefused(f"{where} 没有保存这个对象（应答 {status}）。")
    finally:
        client.close()


def _judge_http(status: int, where: str, exc: Exception) -> None:
    if status in (408, 429) or status >= 500:
        raise DestinationUnavailable(f"{where} 暂时不能接收(HTTP {status}),稍后自动重试。") from exc
    why = {401: "要求登录", 403: "不允许写入"}.get(status, "拒绝接收")
    raise DestinationRefused(f"{where} {why}(HTTP {status})。") from exc
