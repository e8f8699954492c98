"""What a file says of the filters that its samples went through, in one wording for every format."""

from __future__ import annotations


def filter_text(low_hz: str, high_hz: str, notch_hz: str) -> str:
    """E.g. "0.05-150 Hz, notch 50 Hz"; ">0.05 Hz" or "<150 Hz" where one side is open; "" where nothing is said."""
    one_sided = f">{low_hz}" if low_hz else f"<{high_hz}" if high_hz else ""
    band = f"{low_hz}-{high_hz}" if low_hz and high_hz else one_sided
    return ", ".join(f"{part} Hz" for part in (band, f"notch {notch_hz}" if notch_hz else "") if part)
