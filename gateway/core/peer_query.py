"""Understand the identifier of a C-FIND, C-MOVE or C-GET (PS3.4 C.4): level, keys, and what is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.charset import TextReader
from gateway.core.query_keys import ATTRIBUTES, CHARACTER_SET, NOT_MATCHED, QUERY_LEVEL, UNIQUE_KEYS, Level, Root
from gateway.core.query_matching import BadKey, Key, matches, read_key

_MOST_VALUES = 10_000
_TEXT_VRS = frozenset(("PN", "LO", "SH", "LT", "ST", "UT", "UC"))


class DoesNotMatchModel(ValueError):
    """The identifier breaks the rules of its information model; the text says how, in ASCII."""


@dataclass(frozen=True, slots=True)
class PeerQuery:
    """What a peer asks. `asked` are all tags of the identifier that want an answer."""

    root: Root
    level: Level
    keys: Mapping[int, Key]
    asked: tuple[int, ...]
    character_set: str                       # as the query declares it

    def values(self, tag: int) -> tuple[str, ...]:
        key = self.keys.get(tag)
        return key.values if key is not None else ()

    def matches(self, record: Mapping[int, tuple[str, ...]]) -> bool:
        """True if a record has what every key asks for."""
        return all(matches(key, record.get(tag, ())) for tag, key in self.keys.items())

    @property
    def is_supported_whole(self) -> bool:
        """False if a key was asked for that is not answered at this level: pending answers say so (FF01)."""
        return all(is_answered(tag, self.level) for tag in self.asked)


def is_answered(tag: int, level: Level) -> bool:
    attribute = ATTRIBUTES.get(tag)
    return tag in NOT_MATCHED or (attribute is not None and attribute.level <= level)


def read_query(values: Mapping[int, bytes], root: Root, *, device_codec: str | None, is_relational: bool,
               is_retrieval: bool = False) -> PeerQuery:
    """Read an identifier. Raises DoesNotMatchModel, BadKey.

    Parameters
    ----------
    values
        Values by tag as they were sent, undecoded.
    is_relational
        Unique keys above the level may be missing, or match any number (PS3.4 C.4.1.2.2).
    is_retrieval
        The key of the level itself must say what is wanted.
    """
    level = _level(values.get(QUERY_LEVEL, b""), root)
    declared = values.get(CHARACTER_SET, b"")
    sample = b" ".join(value for tag, value in values.items()
                       if tag in ATTRIBUTES and ATTRIBUTES[tag].vr in _TEXT_VRS)
    reader = TextReader(declared, device_codec=device_codec, sample=sample)
    keys: dict[int, Key] = {}
    for tag, raw in values.items():
        attribute = ATTRIBUTES.get(tag)
        if attribute is None or attribute.level > level or attribute.is_counted or tag in NOT_MATCHED:
            continue
        is_text = attribute.vr in _TEXT_VRS
        try:
            key = read_key(tag, attribute.vr, reader.decode(raw).text if is_text else raw.decode("ascii", "replace"))
        except BadKey as exc:
            raise BadKey(f"{attribute.keyword} cannot be understood") from exc
        if len(key.values) > _MOST_VALUES:
            raise BadKey(f"{attribute.keyword} has too many values")
        if not key.is_universal:
            keys[tag] = key
    _check_unique_keys(keys, root, level, is_relational=is_relational, is_retrieval=is_retrieval)
    return PeerQuery(root, level, keys, tuple(tag for tag in values if tag != CHARACTER_SET),
                     declared.decode("ascii", "replace").strip("\0 "))


def _level(raw: bytes, root: Root) -> Level:
    word = raw.decode("ascii", "replace").strip("\0 ").upper()
    try:
        level = Level[word]
    except KeyError:
        raise DoesNotMatchModel("Query/Retrieve Level is missing or unknown") from None
    if level < root.top:
        raise DoesNotMatchModel(f"this model has no level {word}")
    return level


def _check_unique_keys(keys: Mapping[int, Key], root: Root, level: Level, *, is_relational: bool,
                       is_retrieval: bool) -> None:
    for above in Level:
        tag = UNIQUE_KEYS[above]
        keyword = ATTRIBUTES[tag].keyword
        if root.top <= above < level and not is_relational and not (tag in keys and keys[tag].is_single):
            raise DoesNotMatchModel(f"{keyword} is needed, one value")
        if is_retrieval and above is level:
            key = keys.get(tag)
            if key is None or not (key.is_single or key.vr == "UI"):
                raise DoesNotMatchModel(f"{keyword} must say what to retrieve")
