"""HL7 v2 results with ECG files inside, and small files to put into them."""

from __future__ import annotations

import base64
import io
import zlib

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, generate_uid

from tests.support.mllp import SITE


def oru(*observations: str, control_id: str = "R1", facility: str = SITE.id, patient: str = "P1^^^HIS^MR",
        name: str = "演示甲", birth: str = "19600405", sex: str = "M", placer: str = "", accession: str = "",
        observed: str = "20260302083000", version: str = "2.5.1", character_set: str = "UNICODE UTF-8",
        processing: str = "P") -> str:
    """ORU^R01 with one OBR; `observations` are what follows "OBX|n|"."""
    return "\r".join((
        f"MSH|^~\\&|ECGSYS|{facility}|RG|CENTRE|20260302085900||ORU^R01^ORU_R01|{control_id}|{processing}|{version}"
        f"||||||{character_set}",
        f"PID|1||{patient}||{name}||{birth}|{sex}", f"ORC|RE|{placer}",
        f"OBR|1|{placer}||93000^ECG^C4|||{observed}|||||||||||{accession}",
        *(f"OBX|{number}|{text}" for number, text in enumerate(observations, 1)))) + "\r"


def ed(data: bytes, *, kind: str = "Application", subtype: str = "x-ecg", device: str = "") -> str:
    """A file as ED, base64."""
    return (f"ED|ECG^Trace^L||ECGSYS^{kind}^{subtype}^Base64^{base64.b64encode(data).decode()}||||||F||||||"
            f"|{device}").rstrip("|")


def as_hex(data: bytes) -> str:
    return f"ED|ECG^Trace^L||ECGSYS^Application^x-ecg^Hex^{data.hex()}||||||F"


def as_text(data: bytes, *, kind: str = "TX") -> str:
    """An XML file in plain text, with HL7's escapes."""
    text = data.decode("utf-8")
    for found, name in (("\\", "E"), ("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        text = text.replace(found, f"\\{name}\\") if found != "\\" else text.replace("\\", "\\E\\")
    text = text.replace("\r\n", "\n").replace("\n", "\\.br\\")
    return f"{kind}|ECG^Trace^L||{text}||||||F"


def value(code: str = "8867-4^Heart rate^LN", number: str = "72", unit: str = "/min") -> str:
    return f"NM|{code}||{number}|{unit}|||||F"


def small_pdf(text: str = "Demo ECG") -> bytes:
    """A PDF of one page, with its cross-reference table right."""
    stream = zlib.compress(f"BT /F1 24 Tf 60 700 Td ({text}) Tj ET".encode("latin-1"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def encapsulated_pdf(pdf: bytes) -> bytes:
    """A cart's page as a DICOM object (PS3.3 A.45.1)."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = EncapsulatedPDFStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.PatientID, ds.PatientName, ds.AccessionNumber = "ECG", "P1", "Demo^Patient", ""
    ds.StudyDate, ds.StudyTime, ds.InstanceNumber = "20260302", "083000", 1
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    ds.EncapsulatedDocumentLength = len(pdf)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()
