"""Query SCP: C-FIND in the patient root and the study root (PS3.4 annex C).

Answers go out one by one while pages are read from the index; the peer's pace is ours. A C-CANCEL is looked for
before each answer.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from pynetdicom.dimse_primitives import C_FIND

from gateway.core.answer_text import answer_character_set
from gateway.core.errors import Unreadable
from gateway.core.peer_query import DoesNotMatchModel, PeerQuery, read_query
from gateway.core.query_keys import FIND_SOP_CLASSES, Level, root_of
from gateway.core.query_matching import BadKey
from gateway.dicom.port_context import PortContext
from gateway.dicom.query_answers import answer
from gateway.formats.identifier import Identifier, encode_identifier, read_identifier
from gateway.services.find_for_peer import PeerSearch, note_query
from gateway.services.receive_instance import Sender
from gateway.services.written_lately import WrittenLately
from gateway.wire.dimse_service import DimseService
from gateway.wire.exchange import Exchange, PeerGone
from storage.errors import StorageError

log = structlog.get_logger("gateway.dicom")

SUCCESS, CANCELLED, PENDING, PENDING_WITH_UNSUPPORTED_KEYS = 0x0000, 0xFE00, 0xFF00, 0xFF01
OUT_OF_RESOURCES, DOES_NOT_MATCH_MODEL, UNABLE_TO_PROCESS = 0xA700, 0xA900, 0xC000


class Refusal(Exception):
    """The request ends with this failure status; the text goes to the peer, in ASCII."""

    def __init__(self, status: int, comment: str) -> None:
        super().__init__(comment)
        self.status = status


def query_service(context: PortContext) -> DimseService:
    """C-FIND of both information models."""
    return DimseService(FIND_SOP_CLASSES, {}, exchanges={C_FIND: Finder(context).find},
                        answer_extended=extended_answer(context.parts.settings.relational_queries))


def extended_answer(relational: str) -> Callable[[bytes], bytes]:
    """What is said to an extended negotiation (PS3.4 C.5): relational or not; nothing else of it is supported."""
    def said(asked: bytes) -> bytes:
        is_agreed = relational == "always" or (relational == "negotiated" and asked[:1] == b"\1")
        return bytes((int(is_agreed),)) + bytes(max(0, len(asked) - 1))

    return said


def understood(context: PortContext, exchange: Exchange, sender: Sender, *, is_retrieval: bool = False
               ) -> tuple[PeerQuery, Identifier]:
    """Read the identifier of a query or retrieval. Raises Refusal."""
    said = extended_answer(context.parts.settings.relational_queries)(exchange.extended_negotiation)
    try:
        identifier = read_identifier(exchange.identifier, exchange.transfer_syntax_uid)
        query = read_query(
            identifier.values, root_of(exchange.sop_class_uid), is_relational=said[:1] == b"\1",
            device_codec=sender.device.character_set if sender.device else None, is_retrieval=is_retrieval)
    except DoesNotMatchModel as exc:
        raise Refusal(DOES_NOT_MATCH_MODEL, str(exc)) from exc
    except (BadKey, Unreadable) as exc:
        raise Refusal(UNABLE_TO_PROCESS, str(exc)) from exc
    return query, identifier


class Finder:
    """Handles the C-FIND requests of all associations, each in its association's thread."""

    def __init__(self, context: PortContext) -> None:
        self._context = context
        self._noted = WrittenLately()

    def find(self, exchange: Exchange) -> None:
        try:
            self._find(exchange)
        except PeerGone:
            raise
        except Refusal as exc:
            log.info("C-FIND refused", why=str(exc), association=exchange.peer.association_id)
            exchange.respond(exc.status, comment=str(exc))
        except StorageError as exc:
            log.warning("C-FIND failed", why=str(exc), association=exchange.peer.association_id)
            exchange.respond(OUT_OF_RESOURCES, comment="the index does not answer, ask again later")
        except Exception:  # the listener's outermost loop: answer, and serve the next one
            log.exception("C-FIND failed", association=exchange.peer.association_id)
            exchange.respond(UNABLE_TO_PROCESS, comment="the query failed here")

    def _find(self, exchange: Exchange) -> None:
        context = self._context
        sender = context.sender_of(exchange.peer)
        query, identifier = understood(context, exchange, sender)
        context.bridge.call(self._note(sender, query.level))
        character_set = answer_character_set(sender.device, query.character_set)
        status = PENDING if query.is_supported_whole else PENDING_WITH_UNSUPPORTED_KEYS
        search = PeerSearch(context.parts, sender, query)
        is_last = False
        while not is_last:
            page = context.bridge.call(search.next_page())
            is_last = page.is_last
            if exchange.is_cancelled:
                exchange.respond(CANCELLED)
                return
            for record in page.records:
                elements = answer(query, record, sent_vrs=identifier.vrs, character_set=character_set,
                                  ae_title=exchange.peer.called_ae_title,
                                  transfer_syntax_uid=exchange.transfer_syntax_uid)
                exchange.respond(status, identifier=encode_identifier(elements, exchange.transfer_syntax_uid))
                if exchange.is_cancelled:
                    exchange.respond(CANCELLED)
                    return
        exchange.respond(SUCCESS)

    async def _note(self, sender: Sender, level: Level) -> None:
        """Once for an association and a level: a viewer asks again and again while somebody scrolls."""
        parts = self._context.parts
        key, now = f"{sender.association_id}/{level.name}", parts.clock()
        if not self._noted.has(key, now=now):
            await note_query(parts, sender, level, service="C-FIND")
            self._noted.add(key, now=now)
