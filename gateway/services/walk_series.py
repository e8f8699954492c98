"""Find the instances of a series for somebody who walks through it, as a viewer does frame by frame.

The first request for an instance looks up that instance; a second one in the same series takes the addresses of all
of it, and those are believed for a moment (`short_memory`): scrolling costs one look into the index a second.
Who says which version it wants gets no other one from memory: an event tells viewers of a new picture sooner.
"""

from __future__ import annotations

from collections import OrderedDict

from gateway.services.find_studies import StoredInstance, instance_at, instances_below, version_of
from gateway.services.ports import Parts
from gateway.services.short_memory import ShortMemory
from storage.model import Scope

_WALKS = 64
_Key = tuple[Scope, str, str]


class SeriesWalks:
    """The series that are being walked through. One per process; used from the event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._begun: OrderedDict[_Key, None] = OrderedDict()         # asked for once
        self._known: ShortMemory[dict[str, StoredInstance]] = ShortMemory(places=_WALKS)

    async def instance_at(self, scope: Scope, *, study_instance_uid: str, series_instance_uid: str,
                          sop_instance_uid: str, version: str = "") -> StoredInstance:
        """The DICOM instance at an address. Raises NotFound where there is none the caller may see.

        Where a `version` is asked for, what is believed to be another one is looked up anew; what then stands in the
        store is given, be it that version or a newer one.
        """
        key = (scope, study_instance_uid, series_instance_uid)
        now = self._parts.clock()
        known = self._known.get(key, now=now)
        if known is None and self._is_walk(key):
            known = {line.sop_instance_uid: line for line in await instances_below(
                self._parts, scope, study_instance_uid=study_instance_uid, series_instance_uid=series_instance_uid)}
            self._known.put(key, known, looked_up=now)
        found = known.get(sop_instance_uid) if known is not None else None
        if found is not None and (not version or version == version_of(found.object_sha256)):
            return found
        return await instance_at(self._parts, scope, study_instance_uid=study_instance_uid,
                                 series_instance_uid=series_instance_uid, sop_instance_uid=sop_instance_uid)

    def _is_walk(self, key: _Key) -> bool:
        is_second = key in self._begun
        self._begun[key] = None
        self._begun.move_to_end(key)
        while len(self._begun) > _WALKS:
            self._begun.popitem(last=False)
        return is_second
