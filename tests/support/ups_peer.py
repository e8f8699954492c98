"""A system that works with our worklist by DIMSE, made of pynetdicom: it asks, claims, watches and listens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pynetdicom import AE, evt

PUSH, WATCH, PULL, EVENT, QUERY = (f"1.2.840.10008.5.1.4.34.6.{n}" for n in (1, 2, 3, 4, 5))
GLOBAL, FILTERED = "1.2.840.10008.5.1.4.34.5", "1.2.840.10008.5.1.4.34.5.1"


@dataclass
class Told:
    """One N-EVENT-REPORT as it came."""

    kind: int
    uid: str
    sop_class_uid: str
    context_uid: str
    information: Dataset

    @property
    def state(self) -> str:
        return str(self.information.get("ProcedureStepState", ""))


@dataclass
class UpsPeer:
    """One association with all five classes; `told` are the events that came, on it or by a call."""

    ae_title: str
    told: list[Told] = field(default_factory=list)
    association: Any = None

    def associate(self, address: str, *classes: str) -> None:
        host, port = address.rsplit(":", 1)
        ae = AE(ae_title=self.ae_title)
        ae.acse_timeout = ae.dimse_timeout = 20
        for uid in classes or (PUSH, WATCH, PULL, EVENT, QUERY):
            ae.add_requested_context(uid)
        self.association = ae.associate(host, int(port), ae_title="GATEWAY",
                                        evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._on_event)])
        assert self.association.is_established

    async def create(self, ds: Dataset, uid: str | None) -> tuple[int, Dataset | None]:
        status, reply = await asyncio.to_thread(self.association.send_n_create, ds, PUSH, uid)
        return int(status.Status), reply

    async def get(self, uid: str, *tags: int, by: str = PULL) -> tuple[int, Dataset | None]:
        status, found = await asyncio.to_thread(self.association.send_n_get, [Tag(tag) for tag in tags], PUSH, uid,
                                                meta_uid=by)
        return int(status.Status), found

    async def set(self, ds: Dataset, uid: str) -> int:
        status, _ = await asyncio.to_thread(self.association.send_n_set, ds, PUSH, uid, meta_uid=PULL)
        return int(status.Status)

    async def act(self, kind: int, uid: str, by: str, **information: Any) -> int:
        status, _ = await asyncio.to_thread(self.association.send_n_action,
                                            data(**information) if information else None, kind, PUSH, uid,
                                            meta_uid=by)
        return int(status.Status)

    async def state(self, uid: str, state: str, lock: str) -> int:
        return await self.act(1, uid, PULL, ProcedureStepState=state, TransactionUID=lock)

    async def find(self, ds: Dataset, by: str = QUERY) -> tuple[list[Dataset], int]:
        """The answers and the final status."""
        def ask() -> list[Any]:
            return list(self.association.send_c_find(ds, by))

        answers = await asyncio.to_thread(ask)
        return [found for _, found in answers if found is not None], int(answers[-1][0].Status)

    def release(self) -> None:
        if self.association is not None:
            self.association.release()

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[int]:
        """Take events by calls of the gateway; yields the port."""
        ae = AE(ae_title=self.ae_title)
        ae.add_supported_context(EVENT, scu_role=False, scp_role=True)
        server = ae.start_server(("127.0.0.1", port), block=False,
                                 evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._on_event)])
        assert server is not None
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()

    def _on_event(self, event: Any) -> tuple[int, None]:
        request = event.request
        self.told.append(Told(int(request.EventTypeID), str(request.AffectedSOPInstanceUID),
                              str(request.AffectedSOPClassUID), str(event.context.abstract_syntax),
                              event.event_information))
        return 0x0000, None


def data(**values: Any) -> Dataset:
    """A data set by keywords; lists are sequences."""
    ds = Dataset()
    for keyword, one in values.items():
        setattr(ds, keyword, Sequence(one) if isinstance(one, list) else one)
    return ds


def request_for(study_instance_uid: str, **more: Any) -> Dataset:
    """A request for a reading of this study."""
    ds = data(SpecificCharacterSet="ISO_IR 192", ProcedureStepState="SCHEDULED",
              ScheduledProcedureStepPriority="MEDIUM", ProcedureStepLabel="演示请求", WorklistLabel="",
              ScheduledProcedureStepStartDateTime="20260302090000", InputReadinessState="READY",
              CommentsOnTheScheduledProcedureStep="请排除气胸",
              InputInformationSequence=[data(TypeOfInstances="DICOM", StudyInstanceUID=study_instance_uid,
                                             ReferencedSOPSequence=[])])
    for keyword, one in more.items():
        setattr(ds, keyword, one)
    return ds


def performed(study_instance_uid: str, sop_instance_uid: str, lock: str) -> Dataset:
    """What a performer sets before it completes."""
    code = data(CodeValue="110005", CodingSchemeDesignator="DCM", CodeMeaning="Interpretation")
    output = data(TypeOfInstances="DICOM", StudyInstanceUID=study_instance_uid, SeriesInstanceUID="1.2.3.4",
                  ReferencedSOPSequence=[data(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
                                              ReferencedSOPInstanceUID=sop_instance_uid)])
    return data(TransactionUID=lock, UnifiedProcedureStepPerformedProcedureSequence=[data(
        PerformedStationNameCodeSequence=[data(CodeValue="R1", CodingSchemeDesignator="99DEMO", CodeMeaning="Demo")],
        PerformedProcedureStepStartDateTime="20260302090000", PerformedProcedureStepEndDateTime="20260302091000",
        PerformedWorkitemCodeSequence=[code], OutputInformationSequence=[output])])
