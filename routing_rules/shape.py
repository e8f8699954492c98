"""The shape of the file, held by schema.json; each violation told in words, at its place."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from routing_rules.model import Problem
from routing_rules.positions import Document, Path

SCHEMA: dict[str, Any] = json.loads(files("routing_rules").joinpath("schema.json").read_text(encoding="utf-8"))
_VALIDATOR = Draft202012Validator(SCHEMA)
_KINDS = {"object": ("一组键值", "a mapping"), "array": ("一个列表", "a list"), "string": ("一段文字", "a text"),
          "integer": ("一个整数", "a whole number"), "boolean": ("true 或 false", "true or false")}
_LIMITS = {"minimum": ("不能小于 {0}", "must be at least {0}"), "maximum": ("不能大于 {0}", "must be at most {0}"),
           "minLength": ("不能为空", "must not be empty"), "maxLength": ("最多 {0} 个字符", "at most {0} characters"),
           "minItems": ("列表不能为空", "the list must not be empty"),
           "maxItems": ("最多 {0} 项", "at most {0} entries"),
           "minProperties": ("至少要写一项", "at least one entry is needed"),
           "uniqueItems": ("有重复的项", "an entry is repeated"), "const": ("必须是 {0}", "must be {0}"),
           "pattern": ("写法不对,应符合 {0}", "is not written like {0}")}


def shape_problems(document: Document) -> list[Problem]:
    """Return every place where the file is not shaped as schema.json says."""
    found: list[Problem] = []
    for error in _VALIDATOR.iter_errors(document.value):
        found += _told(error, tuple(error.absolute_path), document)
    return found


def _told(error: ValidationError, path: Path, document: Document) -> list[Problem]:
    here = document.place(path)
    value: Any = error.instance
    name = str(path[-1]) if path and isinstance(path[-1], str) else ""
    subject = f"「{name}」" if name else ""
    kind = str(error.validator)
    limit: Any = error.validator_value
    if kind == "additionalProperties":
        schema: Any = error.schema
        extra = [key for key in value if key not in schema.get("properties", {})]
        known = ", ".join(schema.get("properties", {}))
        places = [document.key_place((*path, key)) for key in extra]
        return [Problem(at.line, at.column, f"不认识的键「{key}」,可用:{known}",
                        f"unknown key {key}; known are: {known}")
                for key, at in zip(extra, places, strict=True)]
    if kind == "required":
        missing = [key for key in limit if key not in value]
        # jsonschema reports each missing key by itself; the message names which.
        missing = [key for key in missing if repr(key) in error.message]
        return [Problem(here.line, here.column, f"缺少「{key}」", f"{key} is missing") for key in missing]
    if error.parent is None and "propertyNames" in list(error.absolute_schema_path):
        place = document.key_place((*path, str(value)))
        return [Problem(place.line, place.column, f"名称「{value}」写法不对,只用小写字母、数字和连字符",
                        f"the name {value} must be made of lower-case letters, digits and hyphens")]
    if kind == "type":
        zh, en = _KINDS.get(str(limit), (str(limit), str(limit)))
        return [Problem(here.line, here.column, f"{subject}应该是{zh}", f"{name or 'this'} must be {en}")]
    if kind == "enum":
        allowed = ", ".join(map(str, limit))
        return [Problem(here.line, here.column, f"{subject}不能是「{value}」,只有:{allowed}",
                        f"{name or 'this'} cannot be {value}; it is one of: {allowed}")]
    zh, en = _LIMITS.get(kind, (error.message, error.message))
    return [Problem(here.line, here.column, subject + zh.format(limit), f"{name or 'this'}: " + en.format(limit))]
