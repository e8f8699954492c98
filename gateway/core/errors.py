"""Errors of the use cases. Each class says what its catcher does next; edges turn them into answers once."""

from __future__ import annotations


class GatewayError(Exception):
    """Base of every error that the gateway raises on purpose. `reason` is a machine word, the text a sentence."""

    reason = "failed"

    def __init__(self, detail: str = "", *, reason: str | None = None) -> None:
        super().__init__(detail or (self.__doc__ or "").strip())
        if reason is not None:
            self.reason = reason


class NotFound(GatewayError):
    """There is no such thing, or the caller may not see it: both look alike."""

    reason = "not-found"


class NotAllowed(GatewayError):
    """The caller's role does not allow this."""

    reason = "not-allowed"


class NotNow(GatewayError):
    """The thing is in a state that does not allow this, or somebody was faster. Look again, then decide."""

    reason = "conflict"


class InvalidRequest(GatewayError):
    """The request cannot be understood; correct it and send it again."""

    reason = "invalid"


class Unreadable(GatewayError):
    """The bytes are not what they claim to be. Keep them, name the reason, serve the next."""

    reason = "unreadable"


class DeliveryError(GatewayError):
    """A report could not be handed over."""


class DestinationUnavailable(DeliveryError):
    """The destination did not answer or asked us to wait. Try again later."""

    reason = "destination-unavailable"


class AwaitingCommitment(DestinationUnavailable):
    """The destination took the object and has not committed to keeping it yet. Look again later."""

    reason = "awaiting-commitment"


class DestinationRefused(DeliveryError):
    """The destination understood and said no. Trying again will not help."""

    reason = "destination-refused"
