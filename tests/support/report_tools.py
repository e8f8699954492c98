"""Outside judges of a report: poppler reads the words and checks the signature, dicom3tools checks the object."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path


def words_of(pdf: bytes, folder: Path) -> str:
    """All text of the PDF without white space, as `pdftotext` reads it."""
    path = folder / "words.pdf"
    path.write_bytes(pdf)
    text = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True).stdout.decode()
    return squeezed(text)


def squeezed(text: str) -> str:
    """Without white space; one form for compatibility characters, as a search would do."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def signature_report(pdf: bytes, folder: Path) -> str:
    """What `pdfsig` says of the signature."""
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    return subprocess.run(["pdfsig", str(path)], capture_output=True, check=False).stdout.decode()


def dicom_complaints(part10: bytes, folder: Path) -> list[str]:
    """The errors that `dciodvfy` finds."""
    path = folder / "object.dcm"
    path.write_bytes(part10)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, check=False)
    return [line for line in (done.stdout + done.stderr).decode(errors="replace").splitlines() if "Error" in line]
