"""Reads JSON as the Azure Functions host does, which uses the library Newtonsoft.Json.

The host reads each string that an HTTP function returns. Its reader accepts more than JSON: single
quotes, names without quotes, comments, trailing commas, NaN, hexadecimal and octal numbers. It also
converts strings that are ISO 8601 dates.

Source: JsonTextReader, JTokenWriter and JsonSerializerInternalReader of Newtonsoft.Json 13.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn

MAX_DEPTH = 64
"""Maximum number of nested objects and arrays."""
MAX_DIGITS = 380
"""Maximum number of characters of an integer."""
_SPACE = r"[\x00\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_BLANK = re.compile(_SPACE + "*")
_COMMENT = re.compile(r"/\*(.*?)\*/|//([^\r\n]*)", re.DOTALL)
_WORD = re.compile(
    rf"(true|false|null|undefined|NaN|Infinity|-Infinity)(?=[\]}},]|/[/*]|{_SPACE}|\Z)"
)
_NUMBER = re.compile(rf"(?=[-.0-9])[-+.0-9a-fA-FxX]+(?=[\]}},)/]|{_SPACE}|\Z)")
_NAME = re.compile(r"[\w$]+")
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([btnfr\\\"'/]))")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?(Z|z|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)
_CONSTANTS = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}


class JsonTextError(ValueError):
    """The text is not accepted by the reader."""


class Undefined:
    """The value ``undefined``, and the value between two commas."""


class Comment(NamedTuple):
    """A comment in an array. The host writes it again."""

    text: str


class Date(NamedTuple):
    """A string that is an ISO 8601 date."""

    value: datetime
    """The date and time, without fractions of a second. UTC if the string has a time zone."""
    fraction: str
    """The fraction of a second without final zeros, or an empty string."""
    zone: str
    """``Z``, ``+00:00`` for a date with an offset, or an empty string."""


def read_json(text: str) -> object:
    """Return the value of ``text``. An empty text is None. Raises JsonTextError.

    The types are dict, list, str, int, float, bool, None, Date, Undefined and Comment.
    """
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._keeps_comments = False

    def document(self) -> object:
        self._skip()
        if self._at == len(self._text):
            return None
        self._keeps_comments = self._peek() == "["
        is_object = self._peek() == "{"
        value = self._value()
        self._skip()
        if self._at < len(self._text):
            self._fail()
        return _without_metadata(value) if is_object and isinstance(value, dict) else value

    def _fail(self) -> NoReturn:
        raise JsonTextError(f"unexpected character at position {self._at}")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_blank(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        self._at = blank.end()

    def _skip(self) -> list[Comment]:
        """Skip blanks and comments. Return the comments."""
        comments: list[Comment] = []
        while True:
            self._skip_blank()
            if self._peek() != "/":
                return comments
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                self._fail()
            self._at = comment.end()
            comments.append(Comment(comment[1] if comment[1] is not None else comment[2]))

    def _value(self) -> object:
        first = self._peek()
        if first == "{":
            return self._object()
        if first == "[":
            return self._array()
        if first in ('"', "'") and first:
            return _date(self._string(first))
        word = _WORD.match(self._text, self._at)
        if word is not None:
            self._at = word.end()
            return Undefined() if word[1] == "undefined" else _CONSTANTS[word[1]]
        number = _NUMBER.match(self._text, self._at)
        if number is None:
            self._fail()
        self._at = number.end()
        return _number(number[0])

    def _enter(self) -> None:
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail()

    def _leave(self) -> None:
        self._at += 1
        self._depth -= 1

    def _array(self) -> list[object]:
        self._enter()
        items: list[object] = []
        while True:
            self._add_comments(items)
            if self._peek() == "]":
                self._leave()
                return items
            items.append(Undefined() if self._peek() == "," else self._value())
            self._add_comments(items)
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != "]":
                self._fail()

    def _add_comments(self, items: list[object]) -> None:
        comments = self._skip()
        if self._keeps_comments:
            items.extend(comments)

    def _object(self) -> dict[str, object]:
        self._enter()
        members: dict[str, object] = {}
        while True:
            self._skip()
            if self._peek() == "}":
                self._leave()
                return members
            name = self._name()
            self._skip_blank()
            if self._peek() != ":":
                self._fail()
            self._at += 1
            self._skip()
            value = Undefined() if self._peek() == "," else self._value()
            members.pop(name, None)  # the last of several members is kept, in its position
            members[name] = value
            self._skip()
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != "}":
                self._fail()

    def _name(self) -> str:
        quote = self._peek()
        if quote in ('"', "'") and quote:
            return self._string(quote)
        name = _NAME.match(self._text, self._at)
        if name is None:
            self._fail()
        self._at = name.end()
        return name[0]

    def _string(self, quote: str) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            plain = _PLAIN[quote].match(self._text, self._at)
            assert plain is not None
            parts.append(plain[0])
            self._at = plain.end()
            if self._peek() == quote:
                self._at += 1
                break
            escape = _ESCAPE.match(self._text, self._at)
            if escape is None:  # an unknown escape, or the end of the text
                self._fail()
            self._at = escape.end()
            parts.append(chr(int(escape[1], 16)) if escape[1] else _escaped(escape[2]))
        value = "".join(parts)
        if _SURROGATE.search(value):  # pairs become one character, others U+FFFD
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value


def _escaped(letter: str) -> str:
    return _ESCAPES.get(letter, letter)


def _number(text: str) -> int | float:
    try:
        if text[0] == "0" and len(text) > 1 and text[1] not in ".eE":
            value = int(text, 16) if text[1] in "xX" else int(text, 8)
            if value >= 1 << 64:
                raise ValueError(text)
            return value - (1 << 64) if value >= 1 << 63 else value  # 64 bits with a sign
        if re.fullmatch("-?[0-9]+", text):
            if len(text) > MAX_DIGITS:
                raise ValueError(text)
            return int(text)
        return float(text)
    except ValueError:
        raise JsonTextError(f"'{text}' is not a number") from None


def _date(text: str) -> str | Date:
    """Return the date if ``text`` is an ISO 8601 date, or ``text``.

    A date with an offset is converted to the time zone of the host, which is UTC.
    """
    match = _DATE.fullmatch(text) if 19 <= len(text) <= 40 else None
    if match is None:
        return text
    year, month, day, hour, minute, second = (int(match[index]) for index in range(1, 7))
    fraction = (match[7] or "").rstrip("0")
    midnight = hour == 24 and minute == second == 0 and not fraction
    try:
        value = datetime(year, month, day, 0 if midnight else hour, minute, second)
        value += timedelta(days=int(midnight))
        if not match[9]:
            return Date(value, fraction, "Z" if match[8] else "")
        offset = timedelta(hours=int(match[10]), minutes=int(match[11] or 0))
        return Date(value - offset if match[9] == "+" else value + offset, fraction, "+00:00")
    except (ValueError, OverflowError):
        return text


def _without_metadata(members: dict[str, object]) -> object:
    """Return an object of the first level without the members that the reader takes as metadata.

    These are ``$type`` and ``$id``, if they are the first ones. An object that begins with
    ``$ref`` is None. Raises JsonTextError if the object is then not accepted.
    """
    rest = dict(members)
    for name, value in members.items():
        if name == "$ref" and value is not None:
            if not isinstance(value, str) or len(rest) > 1:
                raise JsonTextError("an object with $ref has other members")
            return None
        if name not in ("$type", "$id", "$ref"):
            break
        if isinstance(value, (dict, list)):
            raise JsonTextError(f"{name} is not a string")
        del rest[name]
    return rest
