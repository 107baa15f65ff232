"""Frames: requests and responses in either header serialization, with their bodies named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bitstring import Bits

import rocketpy.protocol.api  # noqa: F401  (fills API)
from rocketpy.errors import ProtocolError
from rocketpy.protocol import fastjson
from rocketpy.protocol.codes import LanguageCode, RequestCode, ResponseCode
from rocketpy.protocol.header import API
from rocketpy.protocol.version import version_name
from tools.dissect.layouts import (
    BINARY_HEADER,
    EXT_NAME,
    EXT_VALUE,
    FRAME,
    RECORD_MAGIC,
    REMARK,
    Data,
    Fields,
    LayoutError,
    take,
)
from tools.dissect.records import batch, records

LONGEST = 16 * 1024 * 1024


def frames(data: Data) -> Iterator[Fields]:
    """The frames of a dump, one after the other; a response takes its request's name where both are in the dump.

    Raises LayoutError for what is no frame.
    """
    asked: dict[int, int] = {}
    position = 0
    while position < len(data):
        fields = frame(memoryview(data)[position:], asked)
        if not fields["flag"] & 1:
            asked[fields["opaque"]] = fields["code"]
        yield fields
        position += 4 + fields["length"]


def frame(data: Data, asked: dict[int, int] | None = None) -> Fields:
    """The frame at the start of `data`; `asked` maps opaques to the codes of the requests."""
    fields, _ = take(Bits(bytes(data[:8])), FRAME)
    length, header_length = fields["length"], fields["header_length"]
    if not 4 <= length <= LONGEST or header_length > length - 4:
        raise LayoutError(f"a frame of {length} bytes with a header of {header_length}")
    if len(data) < 4 + length:
        raise LayoutError(f"{len(data)} bytes of a frame of {4 + length}")
    header = bytes(data[8 : 8 + header_length])
    if fields["serialization"] == 0:
        fields |= _json_header(header)
    elif fields["serialization"] == 1:
        fields |= _binary_header(header)
    else:
        raise LayoutError(f"header serialization {fields['serialization']}")
    body = bytes(data[8 + header_length : 4 + length])
    request = fields["code"] if not fields["flag"] & 1 else (asked or {}).get(fields["opaque"])
    fields["name"] = name(fields["code"], fields["flag"])
    if fields["flag"] & 1 and request is not None:
        fields["answers"] = name(request, 0)
    if body:
        fields["body_length"] = len(body)
        fields["body_class"], fields["body"] = explain_body(body, fields, request)
    return fields


def name(code: int, flag: int) -> str:
    """What a code means: of a response when bit 0 of `flag` is set."""
    codes = ResponseCode if flag & 1 else RequestCode
    try:
        return codes(code).name
    except ValueError:
        return f"unknown {'response' if flag & 1 else 'request'} code"


def explain_body(body: bytes, fields: Fields, request: int | None) -> tuple[str, Any]:
    """A name for what a body is, and the body taken apart as far as that goes."""
    ext = fields["ext_fields"] or {}
    if body[4:8].hex() == RECORD_MAGIC:
        return "records", list(records(body))
    if "true" in (ext.get("batch"), ext.get("m")):
        return "batch", list(batch(body))
    declared = API.get(-1 if request is None else request)
    expected = declared and (declared.reply_body if fields["flag"] & 1 else declared.body)
    if body[:1] not in b"{[":
        return "bytes", body
    try:
        return expected.__name__ if expected else "JSON", fastjson.loads(body)
    except ProtocolError:
        return "bytes", body


def _json_header(header: bytes) -> Fields:
    try:
        fields = json.loads(header)
    except ValueError:
        fields = fastjson.loads(header)
    if not isinstance(fields, dict):
        raise LayoutError("the header is no JSON object")
    return {
        "code": fields.get("code", 0),
        "language": fields.get("language"),
        "version": _version(fields.get("version", 0)),
        "opaque": fields.get("opaque"),
        "flag": fields.get("flag", 0),
        "remark": fields.get("remark"),
        "ext_fields": fields.get("extFields"),
    }


def _binary_header(header: bytes) -> Fields:
    fields, rest = take(Bits(header), BINARY_HEADER)
    part, rest = take(rest, REMARK, n=fields.pop("remark_length"))
    fields["language"] = _language(fields["language"])
    fields["version"] = _version(fields["version"])
    fields["remark"] = part["remark"].decode("utf-8", "replace") or None
    if len(rest) != part["ext_fields_length"] * 8:
        raise LayoutError(f"extFields of {part['ext_fields_length']} bytes where there are {len(rest) // 8}")
    ext_fields = {}
    while len(rest):
        length, _ = take(rest, "int:16 n")
        field_name, rest = take(rest, EXT_NAME, **length)
        length, _ = take(rest, "int:32 n")
        value, rest = take(rest, EXT_VALUE, **length)
        ext_fields[field_name["name"].decode("utf-8", "replace")] = value["value"].decode("utf-8", "replace")
    fields["ext_fields"] = ext_fields or None
    return fields


def _language(code: int) -> str | None:
    try:
        return LanguageCode(code).name
    except ValueError:
        return None


def _version(ordinal: Any) -> str:
    try:
        return f"{ordinal} {version_name(ordinal)}"
    except (IndexError, TypeError):
        return str(ordinal)
