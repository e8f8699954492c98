"""Small PDF files, with an information dictionary, plain or said to be locked."""

from __future__ import annotations


def pdf_file(*, pages: int = 2, title: str = "Demo ECG", created: str = "D:20260302083000+08'00'",
             is_encrypted: bool = False) -> bytes:
    """A PDF of empty pages with a cross-reference table that fits."""
    words = b"\xfe\xff" + title.encode("utf-16-be")
    kids = " ".join(f"{4 + number} 0 R" for number in range(pages))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
               b"<< /Title <" + words.hex().encode() + b"> /CreationDate (" + created.encode() + b") >>",
               *[b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"] * pages]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    lock = " /Encrypt << /Filter /Standard /V 2 >>" if is_encrypted else ""
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R{lock} >>\n".encode()
    return bytes(out + f"startxref\n{table}\n%%EOF\n".encode())
