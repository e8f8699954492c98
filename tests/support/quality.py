"""Rejected pictures and requests for a retake, in every state that a route asks for."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw

from gateway.core.quality import Judgement
from gateway.services.ports import Parts
from gateway.services.quality.ask_retake import Rejection, reject_image
from storage.model import User
from storage.model.quality import Grade, GradedLevel
from tests.support.web import Exam, add_exam

ADDRESS = "10.0.0.9"


def png_address(text: str = "演示", *, size: tuple[int, int] = (40, 30)) -> str:
    """A small picture with an arrow, as a browser sends it; another text is another picture."""
    picture = Image.new("RGB", size, "black")
    ImageDraw.Draw(picture).line([(5, 5), (5 + len(text) % 20, 20)], fill="yellow", width=2)
    picture.putpixel((0, 0), (sum(text.encode()) % 256, 1, 2))
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def rejection_of(exam: Exam, **more: Any) -> Rejection:
    """Of the study's only image, by an arrow at what is wrong."""
    said: Mapping[str, Any] = {"reasons": ("position",), "note": "", "frame": 0} | {
        name: more[name] for name in ("reasons", "note", "frame") if name in more}
    judgement = Judgement(GradedLevel.IMAGE, exam.instance.id, Grade.REJECTED, marks=(
        {"shape": "arrow", "points": [[0.2, 0.2], [0.5, 0.5]], "text": ""},), **said)
    return Rejection(judgement, more.get("picture", png_address()), more.get("is_sent_back", False),
                     more.get("asks_retake", True))


async def reject(parts, reader, exam, **more):  # untyped: what a test asked for is there
    """By the real service; a `Rejected`."""
    return await reject_image(parts, reader, exam.study.id, rejection_of(exam, **more),
                              revision=more.get("revision", 0), address=ADDRESS)


async def add_quality(parts: Parts, site_id: str, word: str, reader: User) -> dict[str, str]:
    """Ids by what one does with them: study_, grade_ and retake_ of each."""
    ids: dict[str, str] = {}
    for act in ("see", "schedule", "decline", "withdraw", "ask", "grade", "reject"):
        exam = await add_exam(parts, site_id, name=f"演示{word}{act}")
        ids |= {f"{act}_quality_study": exam.study.id, f"{act}_quality_image": exam.instance.id}
        if act not in ("grade", "reject"):
            done = await reject(parts, reader, exam, note=f"{word}{act}太暗", asks_retake=act != "ask",
                                picture=png_address(word + act))
            ids[f"{act}_grade"] = done.grade.id
            ids[f"{act}_retake"] = done.retake.id if done.retake else ""
    return ids
