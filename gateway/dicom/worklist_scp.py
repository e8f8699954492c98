"""The modality worklist: C-FIND on 1.2.840.10008.5.1.4.31 (PS3.4 annex K; A4, C5).

Orders of the asking device's own site, in the character set that it can show. Scheduled-step keys are read and
answered inside the Scheduled Procedure Step Sequence. Answered message by message, so a C-CANCEL counts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import structlog
from pynetdicom.dimse_primitives import C_FIND

from gateway.core.answer_text import LATIN_LETTERS, answer_character_set, encode_for
from gateway.core.charset import TextReader
from gateway.core.errors import Unreadable
from gateway.core.query_matching import BadKey, Key
from gateway.core.worklist import (
    CODE_SEQUENCES,
    LOCAL_CODES,
    REQUEST,
    SEQUENCES,
    STATION_AE_TITLE,
    STEP,
    STEP_SEQUENCE,
    Attribute,
    Item,
    WorklistQuery,
    query_key,
)
from gateway.dicom.port_context import PortContext
from gateway.formats.nested_identifier import Element, Tree, read_tree, write_tree
from gateway.services.find_worklist import find_worklist, note_worklist_query
from gateway.services.receive_instance import Sender
from gateway.wire.dimse_service import DimseService
from gateway.wire.exchange import Exchange
from storage.errors import StorageError

log = structlog.get_logger("gateway.dicom")

MODALITY_WORKLIST = "1.2.840.10008.5.1.4.31"

SUCCESS, PENDING, PENDING_WITH_UNKNOWN_KEYS, CANCELLED = 0x0000, 0xFF00, 0xFF01, 0xFE00
OUT_OF_RESOURCES, DOES_NOT_MATCH, UNABLE_TO_PROCESS = 0xA700, 0xA900, 0xC000      # PS3.4 K.4.1.1.4

_CHARACTER_SET = 0x00080005
_TEXT_VRS = frozenset(("PN", "LO", "SH", "LT", "ST"))


def worklist_service(context: PortContext) -> DimseService:
    """The service for the port."""
    scp = _WorklistScp(context)
    return DimseService((MODALITY_WORKLIST,), {}, exchanges={C_FIND: scp.find})


class _WorklistScp:
    def __init__(self, context: PortContext) -> None:
        self._context = context
        self._zone = ZoneInfo(context.parts.settings.time_zone)

    def find(self, exchange: Exchange) -> None:
        sender = self._context.sender_of(exchange.peer)
        try:
            self._find(exchange, sender)
        except (Unreadable, BadKey) as exc:
            log.info("worklist query refused", why=str(exc), peer=exchange.peer.address)
            status = DOES_NOT_MATCH if isinstance(exc, BadKey) else UNABLE_TO_PROCESS
            exchange.respond(status, comment=str(exc)[:64])
        except StorageError as exc:
            log.warning("worklist query failed", why=str(exc), peer=exchange.peer.address)
            exchange.respond(OUT_OF_RESOURCES, comment="storage does not answer, try again later")

    def _find(self, exchange: Exchange, sender: Sender) -> None:
        asked = read_tree(exchange.identifier, exchange.transfer_syntax_uid, sequences=SEQUENCES)
        query = read_worklist_query(asked, device_codec=sender.device.character_set if sender.device else None)
        declared = asked.get(_CHARACTER_SET, Element("CS", b"")).raw.decode("ascii", "replace").strip("\0 ")
        status = PENDING if _knows_all(asked) else PENDING_WITH_UNKNOWN_KEYS
        station = query.station_ae_title or sender.calling_ae_title
        scheduled_from, scheduled_until = query.days(self._zone)
        answered, after, is_cancelled, is_last = 0, None, False, False
        while not is_last and not is_cancelled:
            page = self._context.bridge.call(find_worklist(
                self._context.parts, sender, scheduled_from=scheduled_from, scheduled_until=scheduled_until,
                modality=query.modality, station_ae_title=query.station_ae_title, after=after))
            character_set = answer_character_set(page.device, declared)
            for order in page.orders:
                if is_cancelled := exchange.is_cancelled:
                    break
                item = Item(order, self._zone, station, page.site_name)
                if query.means(item):
                    answer = answer_tree(asked, item, character_set)
                    exchange.respond(status, identifier=write_tree(answer, exchange.transfer_syntax_uid))
                    answered += 1
            after, is_last = page.end, page.is_last
        self._context.bridge.call(note_worklist_query(self._context.parts, sender, answered=answered,
                                                      is_cancelled=is_cancelled))
        exchange.respond(CANCELLED if is_cancelled else SUCCESS)


def read_worklist_query(asked: Tree, *, device_codec: str | None) -> WorklistQuery:
    """The keys of an identifier. Raises BadKey."""
    items = asked[STEP_SEQUENCE].items if STEP_SEQUENCE in asked else ()
    if len(items) > 1:
        raise BadKey("Scheduled Procedure Step Sequence has more than one item")
    declared = asked[_CHARACTER_SET].raw if _CHARACTER_SET in asked else b""
    sample = b" ".join(element.raw for tag, element in asked.items() if tag in REQUEST)
    reader = TextReader(declared, device_codec=device_codec, sample=sample)
    return WorklistQuery(_keys(asked, REQUEST, reader), _keys(items[0], STEP, reader) if items else {})


def answer_tree(asked: Tree, item: Item, character_set: str) -> Tree:
    """What is answered about an order: the keys that were asked for, those we do not know empty.

    Without a sequence of the step, or with one that asks for nothing in particular, the whole step is answered.
    """
    answer: dict[int, Element] = _attributes(asked, REQUEST, item, character_set)
    steps = asked[STEP_SEQUENCE].items if STEP_SEQUENCE in asked else ()
    step = _attributes(steps[0], STEP, item, character_set) if steps and steps[0] else _whole(item, character_set)
    answer[STEP_SEQUENCE] = Element("SQ", (step,))
    answer.pop(_CHARACTER_SET, None)
    if character_set != LATIN_LETTERS:           # the default repertoire has no term of its own
        answer[_CHARACTER_SET] = Element("CS", character_set.encode("ascii"))
    return answer


def _keys(tree: Tree, known: Mapping[int, Attribute], reader: TextReader) -> dict[int, Key]:
    found: dict[int, Key] = {}
    for tag, element in tree.items():
        attribute = known.get(tag)
        if attribute is None or not element.raw:
            continue
        is_text = attribute.vr in _TEXT_VRS
        key = query_key(tag, attribute, reader.decode(element.raw).text if is_text
                        else element.raw.decode("ascii", "replace"))
        if key is not None:
            found[tag] = key
    return found


def _attributes(asked: Tree, known: Mapping[int, Attribute], item: Item, character_set: str) -> dict[int, Element]:
    found: dict[int, Element] = {}
    for tag, element in asked.items():
        if tag in CODE_SEQUENCES:
            found[tag] = Element("SQ", _code(item, character_set))
        elif tag in SEQUENCES:
            found[tag] = Element("SQ", ())
        elif (attribute := known.get(tag)) is not None:
            found[tag] = Element(attribute.vr, _bytes(attribute, item, character_set))
        else:
            found[tag] = Element(element.vr or "UN", b"")
    return found


def _whole(item: Item, character_set: str) -> dict[int, Element]:
    return {tag: Element(attribute.vr, _bytes(attribute, item, character_set)) for tag, attribute in STEP.items()
            if attribute.value(item) or tag == STATION_AE_TITLE}


def _bytes(attribute: Attribute, item: Item, character_set: str) -> bytes:
    text = attribute.value(item)
    if attribute.vr not in _TEXT_VRS:
        return text[:attribute.longest].encode("ascii", "replace")
    is_name = attribute.vr == "PN"
    if attribute.vr != "LT":                     # a backslash would begin another value
        text = text.replace("\\", "/").replace("\r", " ").replace("\n", " ")
    return encode_for(text, character_set, is_person_name=is_name, longest=attribute.longest)


def _code(item: Item, character_set: str) -> tuple[Tree, ...]:
    code = item.order.procedure_code
    if not code:
        return ()
    return ({0x00080100: Element("SH", encode_for(code, character_set, longest=16)),
             0x00080102: Element("SH", LOCAL_CODES.encode("ascii")),
             0x00080104: Element("LO", encode_for(item.description, character_set, longest=64))},)


def _knows_all(asked: Tree) -> bool:
    steps = asked[STEP_SEQUENCE].items if STEP_SEQUENCE in asked else ()
    return (all(tag in REQUEST or tag in SEQUENCES or tag == _CHARACTER_SET for tag in asked)
            and all(tag in STEP or tag in CODE_SEQUENCES for step in steps for tag in step))
