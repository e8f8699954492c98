"""Orders, performed procedure steps and what matched them."""

from __future__ import annotations
