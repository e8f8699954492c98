"""Decisions about quarantined arrivals; character sets learned from traffic."""

from __future__ import annotations
