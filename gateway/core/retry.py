"""When to try again: capped exponential back-off with jitter. Pure: the caller passes the randomness."""

from __future__ import annotations


def backoff_s(attempt: int, *, base_s: float, cap_s: float, jitter: float) -> float:
    """Return the pause before the next try, in seconds.

    Parameters
    ----------
    attempt
        Tries made so far, from 1.
    base_s, cap_s
        Pause after the first try, and the longest pause.
    jitter
        0 ≤ jitter < 1, drawn by the caller: the pause lies between half of the step and the whole of it, so that
        many deliveries to one node that was down do not come back in the same second.
    """
    step = min(cap_s, base_s * 2.0 ** min(max(attempt, 1) - 1, 60))
    return step * (0.5 + 0.5 * jitter)
