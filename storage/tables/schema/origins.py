"""Where a study comes from, with its evidence."""

from __future__ import annotations
