"""The numbers of one ECG, each with where it is from: the doctor before the device, the device before the gateway.

All of them stay beside the one that is shown, so that nobody has to take a number on trust (K2). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class NumberSource(StrEnum):
    """Who measured."""

    DEVICE = "device"                    # the cart: 设备自动分析,未经医师确认
    GATEWAY = "gateway"                  # this software: 网关测量,未经医师确认
    DOCTOR = "doctor"                    # points that a doctor set


@dataclass(frozen=True, slots=True)
class SourcedNumber:
    """One measurement. At least one of the three is there."""

    device: float | None = None
    gateway: float | None = None
    doctor: float | None = None

    @property
    def source(self) -> NumberSource:
        if self.doctor is not None:
            return NumberSource.DOCTOR
        return NumberSource.DEVICE if self.device is not None else NumberSource.GATEWAY

    @property
    def value(self) -> float:
        found = {NumberSource.DOCTOR: self.doctor, NumberSource.DEVICE: self.device,
                 NumberSource.GATEWAY: self.gateway}[self.source]
        assert found is not None
        return found


def numbers_by_source(*, device: Mapping[str, float], gateway: Mapping[str, float],
                      doctor: Mapping[str, float]) -> dict[str, SourcedNumber]:
    """Every measurement that anybody has, by name."""
    names = dict.fromkeys([*doctor, *device, *gateway])
    return {name: SourcedNumber(device.get(name), gateway.get(name), doctor.get(name)) for name in names}
