"""DICOMweb under /dicom-web: the one way by which viewers, ours included, reach studies (PS3.18)."""

from __future__ import annotations

from gateway.http.dicomweb import workitems
from gateway.http.dicomweb.bulk import Bulk
from gateway.http.dicomweb.capabilities import Capabilities
from gateway.http.dicomweb.frames import Frames
from gateway.http.dicomweb.qido import Search
from gateway.http.dicomweb.rendered import Rendered
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.dicomweb.stow import Store
from gateway.http.dicomweb.wado import Retrieve
from gateway.http.routing import CLINICS, READERS, Handler, Route
from gateway.services.ports import Parts
from gateway.services.render import Renderings
from gateway.services.walk_series import SeriesWalks
from storage.model import Role

_VIEWERS = READERS | CLINICS
_SENDERS = frozenset({Role.CLINIC, Role.ADMIN})

_STUDY = "/dicom-web/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"


def routes(parts: Parts) -> list[Route]:
    """The rows of DICOMweb."""
    renderings = Renderings(parts)
    log = RetrievalLog(parts)
    walks = SeriesWalks(parts)
    search, store = Search(parts, renderings), Store(parts)
    bulk = Bulk(parts, walks, renderings, log)
    retrieve = Retrieve(parts, renderings, log)
    frames = Frames(walks, renderings, log)
    rendered = Rendered(parts, walks, renderings, log)
    table = [
        # First, because addresses are tried in this order, and frames are asked for by the thousand.
        _read(_INSTANCE + "/frames/{frames}", frames.get, "WADO-RS: frames"),
        _read("/dicom-web/studies", search.studies, "QIDO-RS: search for studies"),
        _read("/dicom-web/series", search.series, "QIDO-RS: search for series of all studies"),
        _read("/dicom-web/instances", search.instances, "QIDO-RS: search for instances of all studies"),
        _read(_STUDY + "/series", search.series, "QIDO-RS: series of a study"),
        _read(_STUDY + "/instances", search.instances, "QIDO-RS: instances of a study"),
        _read(_SERIES + "/instances", search.instances, "QIDO-RS: instances of a series"),
        _read(_STUDY, retrieve.objects, "WADO-RS: a study as received"),
        _read(_SERIES, retrieve.objects, "WADO-RS: a series as received"),
        _read(_INSTANCE, retrieve.objects, "WADO-RS: an instance as received"),
        _read(_STUDY + "/metadata", retrieve.metadata, "WADO-RS: metadata of a study"),
        _read(_SERIES + "/metadata", retrieve.metadata, "WADO-RS: metadata of a series"),
        _read(_INSTANCE + "/metadata", retrieve.metadata, "WADO-RS: metadata of an instance"),
        _read(_STUDY + "/bulkdata", bulk.all, "WADO-RS: all long values of a study"),
        _read(_SERIES + "/bulkdata", bulk.all, "WADO-RS: all long values of a series"),
        _read(_INSTANCE + "/bulkdata", bulk.all, "WADO-RS: all long values of an instance"),
        _read(_INSTANCE + "/bulkdata/{path:.+}", bulk.value, "WADO-RS: one long value"),
        _read(_STUDY + "/pixeldata", bulk.pixels, "WADO-RS: the frames of a study as stored"),
        _read(_SERIES + "/pixeldata", bulk.pixels, "WADO-RS: the frames of a series as stored"),
        _read(_INSTANCE + "/pixeldata", bulk.pixels, "WADO-RS: the frames of an instance as stored"),
        _read(_STUDY + "/rendered", rendered.pictures, "WADO-RS: a picture of each image of a study"),
        _read(_SERIES + "/rendered", rendered.pictures, "WADO-RS: a picture of each image of a series"),
        _read(_INSTANCE + "/rendered", rendered.picture, "WADO-RS: a picture of an instance"),
        _read(_INSTANCE + "/frames/{frames}/rendered", rendered.picture, "WADO-RS: a picture of a frame"),
        _read(_STUDY + "/thumbnail", rendered.thumbnail, "WADO-RS: a small picture of a study"),
        _read(_SERIES + "/thumbnail", rendered.thumbnail, "WADO-RS: a small picture of a series"),
        _read(_INSTANCE + "/thumbnail", rendered.thumbnail, "WADO-RS: a small picture of an instance"),
        _read(_INSTANCE + "/frames/{frames}/thumbnail", rendered.thumbnail, "WADO-RS: a small picture of a frame"),
        _write("/dicom-web/studies", store.store, "STOW-RS: store instances"),
        _write(_STUDY, store.store, "STOW-RS: store instances of a study"),
        *workitems.routes(parts),
    ]
    capabilities = Capabilities(table)
    return [*table, *(Route("OPTIONS", path, capabilities.show, "Capabilities of DICOMweb", roles=_VIEWERS | _SENDERS,
                            token_scopes=frozenset({"read", "ingest", "perform"}))
                      for path in ("/dicom-web", "/dicom-web/"))]


def _read(path: str, handler: Handler, summary: str) -> Route:
    return Route("GET", path, handler, summary, roles=_VIEWERS, token_scopes=frozenset({"read"}))


def _write(path: str, handler: Handler, summary: str) -> Route:
    return Route("POST", path, handler, summary, roles=_SENDERS, token_scopes=frozenset({"ingest"}))
