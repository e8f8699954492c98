"""STOW-RS as metadata with bulk data: data sets in JSON or XML, and their long values as parts of their own.

The parts may come in any order, so bulk data waits in one temporary file until all metadata is known; only the
metadata is held in memory. Each data set then becomes a Part 10 file: its pixels are copied from the temporary file
piece by piece, uncompressed or each frame as a fragment (PS3.18 8.7.3.3, 10.5.1).
"""

from __future__ import annotations

import base64
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag

from gateway.core.errors import InvalidRequest, Unreadable
from gateway.core.identifiers import InvalidUid, Uid
from gateway.formats.part10 import file_header
from gateway.http.dicomweb.frames import MEDIA_TYPES
from gateway.http.dicomweb.media import DICOM_JSON, OCTETS
from gateway.renditions.codestreams import codestream_size
from gateway.renditions.decode import (
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS_SV1,
    JPEG_LS,
    RLE_LOSSLESS,
)
from gateway.renditions.dicom_json import Json
from gateway.renditions.native_xml import from_xml
from gateway.renditions.stored_file import EXPLICIT_LITTLE_ENDIAN

MAX_METADATA_BYTES = 64 << 20
MAX_VALUE_BYTES = 64 << 20               # of a bulk value that is no pixel data
_CHUNK_BYTES = 1 << 20
_PIXEL_DATA = "7FE00010"
_NOT_OF_THE_DATASET = ("00083002",)      # Available Transfer Syntax UID says how it could be had, not what it is
_DEFAULT_SYNTAX = {"image/jls": JPEG_LS, "image/jp2": JPEG_2000_LOSSLESS, "image/dicom-rle": RLE_LOSSLESS,
                   "image/jphc": "1.2.840.10008.1.2.4.201"}
_JPEG_SYNTAX = {0xC0: JPEG_BASELINE, 0xC1: JPEG_EXTENDED, 0xC3: JPEG_LOSSLESS_SV1}


@dataclass(frozen=True, slots=True)
class _Piece:
    """One bulk part in the temporary file."""

    media_type: str
    transfer_syntax_uid: str             # as the part says, or ""
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Described:
    """A data set as its metadata describes it."""

    record: Json

    def uid(self, tag: str) -> str:
        """A UID of the data set; "" where it has none that can be used."""
        try:
            values = self.record[tag]["Value"]
            return Uid.parse(str(values[0])).value
        except (KeyError, IndexError, TypeError, InvalidUid):
            return ""

    @property
    def sop_class_uid(self) -> str:
        return self.uid("00080016")

    @property
    def sop_instance_uid(self) -> str:
        return self.uid("00080018")


@dataclass(slots=True)
class Upload:
    """All parts of one request. Blocking; close it."""

    folder: Path
    described: list[Described] = field(default_factory=list)
    _bulk: dict[str, list[_Piece]] = field(default_factory=dict)
    _file: Any = None

    def add_metadata(self, data: bytes, media_type: str) -> None:
        """Take a metadata part. Raises InvalidRequest."""
        try:
            found: Any = msgspec.json.decode(data) if media_type == DICOM_JSON else from_xml(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, Unreadable) as exc:
            raise InvalidRequest(f"The metadata cannot be read: {exc}", reason="metadata") from exc
        records = found if isinstance(found, list) else [found]
        if not records or not all(isinstance(record, dict) for record in records):
            raise InvalidRequest("The metadata is no list of data sets.", reason="metadata")
        self.described += [Described(record) for record in records]

    def begin_bulk(self) -> int:
        """Where the next bulk part will begin in the temporary file."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  (closed by `close`)
        position: int = self._file.tell()
        return position

    def write_bulk(self, chunk: bytes) -> None:
        """Add bytes to the bulk part that was begun. Raises OSError."""
        self._file.write(chunk)

    def end_bulk(self, location: str, media_type: str, transfer_syntax_uid: str, start: int) -> None:
        """The part is whole."""
        piece = _Piece(media_type, transfer_syntax_uid, start, self._file.tell() - start)
        self._bulk.setdefault(location, []).append(piece)

    def part10(self, described: Described) -> Iterator[bytes]:
        """The file's bytes, piece by piece. Raises Unreadable, before the first piece, where it cannot be made."""
        record = {tag: element for tag, element in described.record.items()
                  if not tag.startswith("0002") and tag not in _NOT_OF_THE_DATASET}
        pixels = record.pop(_PIXEL_DATA, None)
        dataset = self._dataset(record)
        pieces = self._pixel_pieces(pixels)
        syntax = _syntax_of(pieces, self._head_of)
        if pieces:
            self._check_pixels(dataset, pieces, syntax)
        inline = _inline_pixels(pixels)
        before = _encoded(dataset, lambda tag: tag < 0x7FE00010)
        after = _encoded(dataset, lambda tag: tag > 0x7FE00010)
        header = file_header(sop_class_uid=described.sop_class_uid, sop_instance_uid=described.sop_instance_uid,
                             transfer_syntax_uid=syntax)
        vr = b"OW" if int(dataset.get("BitsAllocated", 8) or 8) > 8 else b"OB"
        return self._pieces_of_file(header + before, vr, pieces, inline, after, is_native=syntax ==
                                    EXPLICIT_LITTLE_ENDIAN)

    def close(self) -> None:
        """Forget the bulk data."""
        if self._file is not None:
            self._file.close()

    # --------------------------------------------------------------------------------------------------- helpers
    def _dataset(self, record: Json) -> Dataset:
        def value_of(tag: str, vr: str, uri: str) -> bytes:
            pieces = self._bulk.get(uri)
            if not pieces or sum(piece.length for piece in pieces) > MAX_VALUE_BYTES:
                raise Unreadable(f"The bulk data {uri[:200]} did not come.", reason="bulk-data-missing")
            return b"".join(self._read(piece.start, piece.length) for piece in pieces)

        try:
            dataset = Dataset.from_json(record, bulk_data_uri_handler=value_of)
            dataset.SpecificCharacterSet = "ISO_IR 192"
            return dataset
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError,
                NotImplementedError) as exc:
            raise Unreadable(f"The metadata is no data set: {exc}", reason="metadata-unreadable") from exc

    def _pixel_pieces(self, pixels: Json | None) -> list[_Piece]:
        if not isinstance(pixels, dict) or "BulkDataURI" not in pixels:
            return []
        pieces = self._bulk.get(str(pixels["BulkDataURI"]))
        if not pieces:
            raise Unreadable("The pixel data did not come.", reason="bulk-data-missing")
        return pieces

    def _check_pixels(self, dataset: Dataset, pieces: list[_Piece], syntax: str) -> None:
        """Refuse pixels that are not those of the metadata: they would be kept and never be seen."""
        try:
            rows, columns = int(dataset.Rows), int(dataset.Columns)
            frames = int(dataset.get("NumberOfFrames") or 1)
            samples, bits = int(dataset.get("SamplesPerPixel") or 1), int(dataset.BitsAllocated)
        except (AttributeError, TypeError, ValueError) as exc:
            raise Unreadable("The metadata does not say what the pixels are.", reason="metadata-unreadable") from exc
        if syntax == EXPLICIT_LITTLE_ENDIAN:
            if str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
                samples = 2
            expected, found = (rows * columns * samples * frames * bits + 7) // 8, sum(p.length for p in pieces)
            if found - expected not in (0, 1):
                raise Unreadable(f"There are {found} bytes of pixels, not {expected}.", reason="pixels-contradict")
            return
        if len(pieces) != frames:
            raise Unreadable(f"There are {len(pieces)} frames, not {frames}.", reason="pixels-contradict")
        if syntax != RLE_LOSSLESS:
            for piece in pieces:
                size = codestream_size(self._head_of(piece))
                if (size.rows, size.columns) != (rows, columns):
                    raise Unreadable(f"A frame has {size.rows} × {size.columns} pixels, not {rows} × {columns}.",
                                     reason="pixels-contradict")

    def _pieces_of_file(self, before: bytes, vr: bytes, pieces: list[_Piece], inline: bytes | None, after: bytes, *,
                        is_native: bool) -> Iterator[bytes]:
        yield before
        if pieces and is_native:
            length = sum(piece.length for piece in pieces)
            yield struct.pack("<HH2sHL", 0x7FE0, 0x0010, vr, 0, length + length % 2)
            for piece in pieces:
                yield from self._chunks(piece)
            yield bytes(length % 2)
        elif pieces:
            yield struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
            yield struct.pack("<HHL", 0xFFFE, 0xE000, 0)
            for piece in pieces:
                yield struct.pack("<HHL", 0xFFFE, 0xE000, piece.length + piece.length % 2)
                yield from self._chunks(piece)
                yield bytes(piece.length % 2)
            yield struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
        elif inline is not None:
            yield struct.pack("<HH2sHL", 0x7FE0, 0x0010, vr, 0, len(inline) + len(inline) % 2)
            yield inline + bytes(len(inline) % 2)
        yield after

    def _chunks(self, piece: _Piece) -> Iterator[bytes]:
        for at in range(0, piece.length, _CHUNK_BYTES):
            yield self._read(piece.start + at, min(_CHUNK_BYTES, piece.length - at))

    def _head_of(self, piece: _Piece) -> bytes:
        return self._read(piece.start, min(piece.length, 1 << 16))

    def _read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        data: bytes = self._file.read(length)
        return data


def _inline_pixels(pixels: Json | None) -> bytes | None:
    """Pixels that stand in the metadata itself, as small ones may. Raises Unreadable."""
    if not isinstance(pixels, dict) or "InlineBinary" not in pixels:
        return None
    try:
        return base64.b64decode(str(pixels["InlineBinary"]), validate=True)
    except ValueError as exc:
        raise Unreadable("The pixels are no base64.", reason="metadata-unreadable") from exc


def _syntax_of(pieces: list[_Piece], head_of: Callable[[_Piece], bytes]) -> str:
    """The transfer syntax of the file. Raises Unreadable."""
    if not pieces:
        return EXPLICIT_LITTLE_ENDIAN
    kinds = {(piece.media_type, piece.transfer_syntax_uid) for piece in pieces}
    if len(kinds) > 1:
        raise Unreadable("The frames are not all of one kind.", reason="pixels-contradict")
    media_type, said = next(iter(kinds))
    if media_type == OCTETS:
        if said in ("", EXPLICIT_LITTLE_ENDIAN, "1.2.840.10008.1.2") or said in MEDIA_TYPES:
            return EXPLICIT_LITTLE_ENDIAN if said not in MEDIA_TYPES else said
        raise Unreadable(f"Pixels in {said} are not taken as bulk data.", reason="transfer-syntax-unsupported")
    if said:
        if MEDIA_TYPES.get(said) != media_type:
            raise Unreadable(f"{said} is not {media_type}.", reason="pixels-contradict")
        return said
    if media_type == "image/jpeg":
        process = codestream_size(head_of(pieces[0])).process
        if process not in _JPEG_SYNTAX:
            raise Unreadable("This kind of JPEG is not taken without its transfer syntax.",
                             reason="transfer-syntax-unsupported")
        return _JPEG_SYNTAX[process]
    if media_type not in _DEFAULT_SYNTAX:
        raise Unreadable(f"Pixels as {media_type} are not taken.", reason="transfer-syntax-unsupported")
    return _DEFAULT_SYNTAX[media_type]


def _encoded(dataset: Dataset, is_meant: Callable[[int], bool]) -> bytes:
    """These elements in Explicit VR Little Endian. Raises Unreadable."""
    part = Dataset({tag: dataset.get_item(tag) for tag in dataset.keys() if is_meant(BaseTag(tag))})  # noqa: SIM118
    part.set_original_encoding(False, True, ["utf8"])
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    try:
        write_dataset(buffer, part, ["utf8"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error, NotImplementedError,
            RecursionError) as exc:
        raise Unreadable(f"The metadata cannot be written: {exc}", reason="metadata-unreadable") from exc
    return buffer.getvalue()
