"""Storage commitment, and what tells that a study is complete."""

from __future__ import annotations
