"""Write one answer to a C-FIND: the attributes that were asked for, in the peer's character set (PS3.4 C.4.1.1.3.2).

What is not known, or not answered at this level, comes back empty.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from gateway.core import query_keys as k
from gateway.core.answer_text import encode_for
from gateway.core.peer_query import PeerQuery, is_answered
from gateway.core.query_keys import ATTRIBUTES
from gateway.formats.dicom_elements import EXPLICIT_BIG_ENDIAN
from gateway.formats.identifier import AnswerElement

_TEXT_LENGTHS = {"PN": 64, "LO": 64, "SH": 16}
_ADDED_VRS = {k.QUERY_LEVEL: "CS", k.RETRIEVE_AE_TITLE: "AE", k.AVAILABILITY: "CS"}


def answer(query: PeerQuery, record: Mapping[int, tuple[str, ...]], *, sent_vrs: Mapping[int, bytes],
           character_set: str, ae_title: str, transfer_syntax_uid: str) -> list[AnswerElement]:
    """The elements of one answer.

    Parameters
    ----------
    sent_vrs
        VRs as the query wrote them, for attributes that we do not know.
    character_set
        What the answer's text is written in.
    """
    is_big = transfer_syntax_uid == EXPLICIT_BIG_ENDIAN
    # A unique key that was not asked for is needed to go on from here; where to retrieve from is always said.
    tags = {*query.asked, k.QUERY_LEVEL, k.RETRIEVE_AE_TITLE, k.UNIQUE_KEYS[query.level]}
    fixed = {k.QUERY_LEVEL: query.level.name, k.RETRIEVE_AE_TITLE: ae_title, k.AVAILABILITY: "ONLINE"}
    elements = [AnswerElement(k.CHARACTER_SET, "CS", character_set.encode("ascii"))]
    for tag in tags:
        if tag in fixed:
            elements.append(AnswerElement(tag, _ADDED_VRS[tag], fixed[tag].encode("ascii", "replace")))
        elif is_answered(tag, query.level) and tag in ATTRIBUTES:
            vr = ATTRIBUTES[tag].vr
            elements.append(AnswerElement(tag, vr, _encoded(record.get(tag, ()), vr, character_set, is_big=is_big)))
        elif tag != k.CHARACTER_SET:
            known = ATTRIBUTES.get(tag)
            elements.append(AnswerElement(tag, known.vr if known else sent_vrs.get(tag, b"UN").decode("ascii")))
    return elements


def _encoded(values: tuple[str, ...], vr: str, character_set: str, *, is_big: bool) -> bytes:
    if not values:
        return b""
    if vr == "US":
        numbers = [int(float(value)) & 0xFFFF for value in values if value]
        return struct.pack(f"{'>' if is_big else '<'}{len(numbers)}H", *numbers)
    if vr in _TEXT_LENGTHS:
        return b"\\".join(encode_for(value, character_set, is_person_name=vr == "PN", longest=_TEXT_LENGTHS[vr])
                          for value in values)
    return "\\".join(values).encode("ascii", "replace")
