"""Checksums, holds, retention and deletion."""

from __future__ import annotations
