"""Writes the values of ``json_reader`` as the Azure Functions host does."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal

from embedded_worker.json_reader import Comment, Date, Undefined

_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


def indented(value: object, indent: str = "") -> str:
    """Return ``value`` as JSON with one member or item on each line, indented by two spaces."""
    inner = indent + "  "
    if isinstance(value, dict):
        members = [f"{_string(name)}: {indented(item, inner)}" for name, item in value.items()]
        return f"{{\n{inner}" + f",\n{inner}".join(members) + f"\n{indent}}}" if members else "{}"
    if isinstance(value, list):
        parts: list[str] = []
        has_item = False
        for item in value:
            is_comment = isinstance(item, Comment)
            parts.append("," if has_item and not is_comment else "")
            parts.append(f"\n{inner}{indented(item, inner)}")
            has_item = has_item or not is_comment
        return "[" + "".join(parts) + f"\n{indent}]" if parts else "[]"
    return _scalar(value)


def compact(value: object) -> str:
    """Return ``value`` as JSON without blanks."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(k)}:{compact(item)}" for k, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    return "null" if isinstance(value, Undefined) else _scalar(value)


def text_of(value: object) -> str:
    """Return ``value`` as text: the result of ``ToString()`` in .NET."""
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Date):
        return f"{value.value:%m/%d/}{value.value.year:04}{value.value: %H:%M:%S}"
    if isinstance(value, dict):
        return "System.Dynamic.ExpandoObject"
    if isinstance(value, list):
        return "System.Collections.Generic.List`1[System.Object]"
    return str(value)


def float_text(value: float) -> str:
    """Return the shortest text of a floating-point number in the format of .NET."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0:
        return sign + "0"
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    scientific = len(text) - 1 + exponent
    if -5 < scientific < 15:
        return f"{sign}{Decimal(repr(abs(value))).normalize():f}"
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{sign}{mantissa}E{'-' if scientific < 0 else '+'}{abs(scientific):02}"


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = float_text(value)
        if not math.isfinite(value):
            return f'"{text}"'
        return text if "." in text or "E" in text else text + ".0"
    if isinstance(value, Date):
        fraction = f".{value.fraction}" if value.fraction else ""
        return f'"{value.value.isoformat()}{fraction}{value.zone}"'
    if isinstance(value, Comment):
        return f"/*{value.text}*/"
    if isinstance(value, Undefined):
        return "undefined"
    return _string(value) if isinstance(value, str) else str(value)


def _string(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
