"""The picture on which a reader drew what is wrong: a PNG of our own making, whatever the browser sent.

It is decoded and written anew, so that nothing but pixels is kept, and lies in the object store by its hash.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io

from PIL import Image, UnidentifiedImageError

from gateway.core.errors import InvalidRequest
from gateway.services.ports import Parts
from storage.model import ObjectRef

OBJECT_KIND = "marked_picture"
LONGEST_SIDE = 4096
_MOST_PIXELS = 8_000_000
_DATA_URL = "data:image/png;base64,"


async def keep_picture(parts: Parts, data_url: str) -> ObjectRef | None:
    """Keep the picture of a `data:image/png;base64,…` address; None for "". Raises InvalidRequest("picture")."""
    if not data_url:
        return None
    return await asyncio.to_thread(_keep, parts, data_url)


def clean_png(data: bytes) -> bytes:
    """The same pixels as a PNG without anything else in it. Raises InvalidRequest("picture")."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            width, height = picture.size
            if max(width, height) > LONGEST_SIDE or width * height > _MOST_PIXELS:
                raise InvalidRequest("The picture is too large.", reason="picture")
            pixels = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
        raise InvalidRequest("The picture is no PNG.", reason="picture") from exc
    out = io.BytesIO()
    pixels.save(out, format="PNG")
    return out.getvalue()


def _keep(parts: Parts, data_url: str) -> ObjectRef:
    if not data_url.startswith(_DATA_URL):
        raise InvalidRequest("The picture is a PNG as a data address.", reason="picture")
    try:
        data = base64.b64decode(data_url.removeprefix(_DATA_URL), validate=True)
    except binascii.Error as exc:
        raise InvalidRequest("The picture is no PNG.", reason="picture") from exc
    return parts.objects.put(clean_png(data))
