"""Parse a JSON file and record the line and the column of each key and value.

The encoding is UTF-8 with or without a byte order mark. As on the Azure Functions host, comments
and a comma before a closing bracket are accepted. ``JsonFile.notes`` lists them. Any other syntax
error raises JsonFileError. Its message shows the invalid line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from json import JSONDecodeError, JSONDecoder
from pathlib import Path

from embedded_host.app.definitions import Note, Problem
from embedded_host.errors import EmbeddedHostError

JsonPath = tuple[str | int, ...]
"""Keys and indices from the root: ``("bindings", 0, "type")``."""


class JsonFileError(EmbeddedHostError):
    """A file that is not valid JSON: the location, the fault and the invalid line."""

    def __init__(
        self, file: str, fault: str, line: int = 0, column: int = 0, text: str = ""
    ) -> None:
        super().__init__(file, fault, line, column, text)
        self.file, self.fault, self.line, self.column, self.text = file, fault, line, column, text

    def __str__(self) -> str:
        """Return the problem's message."""
        return str(self.problem())

    def problem(
        self, fix: str = "", *, function: str | None = None, fatal: bool = False
    ) -> Problem:
        """Return the error as a problem of the app."""
        location = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        shown = f"\n    {self.text}\n    {' ' * (self.column - 1)}^" if self.text else ""
        if shown and fix:
            shown += (
                "\n   "  # Problem adds another blank, so that the fix is indented like the line
            )
        return Problem(
            location, f"{self.fault}{shown}", fix, function=function, fatal=fatal, code="EH110"
        )


@dataclass(frozen=True)
class JsonFile:
    """The content of a JSON file. ``name`` is the file's name in messages."""

    name: str
    value: object
    keys: Mapping[JsonPath, tuple[int, int]]
    """Line and column of each object key."""
    values: Mapping[JsonPath, tuple[int, int]]
    """Line and column of each value; the root has the path ``()``."""
    notes: tuple[Note, ...] = ()
    has_bom: bool = False
    """True if the file starts with a byte order mark."""
    numbers: Mapping[JsonPath, str] = field(default_factory=dict)
    """The text of each number, such as ``1.50``."""

    def location(self, json_path: JsonPath = (), *, key: bool = False) -> str:
        """Return ``file:line:column`` of a value, or of its key.

        If the file has no such value, return the location of the closest enclosing value.
        """
        while json_path:
            found = (self.keys if key else self.values).get(json_path) or self.values.get(json_path)
            if found:
                return f"{self.name}:{found[0]}:{found[1]}"
            json_path = json_path[:-1]
        line, column = self.values.get((), (1, 1))
        return f"{self.name}:{line}:{column}"

    def warnings(self, fix: str) -> tuple[Problem, ...]:
        """Return one problem for each kind of note. ``fix`` is the fix of all problems."""
        kinds: dict[str, list[Note]] = {}
        for note in self.notes:
            kinds.setdefault(note.fault, []).append(note)
        return tuple(
            Problem(
                f"{self.name}:{notes[0].line}:{notes[0].column}",
                fault + (f" (found {len(notes)} times)." if len(notes) > 1 else "."),
                fix,
                code="EH111",
            )
            for fault, notes in kinds.items()
        )


def read_json(path: Path, name: str) -> JsonFile:
    """Parse the file ``path``. ``name`` is the name of the file in messages.

    Raises FileNotFoundError if the file does not exist, and JsonFileError if it is not valid JSON.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise JsonFileError(name, f"The file cannot be read: {error.strerror or error}.") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise JsonFileError(name, "The file is encoded in UTF-16. Save it as UTF-8.", 1, 1)
    has_bom = raw.startswith(b"\xef\xbb\xbf")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode().split("\n")
        fault = (
            f"The file has the byte 0x{raw[error.start]:02x}, which is not valid UTF-8. "
            "Save the file as UTF-8."
        )
        raise JsonFileError(name, fault, len(before), len(before[-1]) + 1) from error
    file = parse_json(text, name)
    return replace(file, has_bom=True) if has_bom else file


def parse_json(text: str, name: str) -> JsonFile:
    """Parse a string. ``name`` is the name of the file in messages. Raises JsonFileError."""
    parser = _Parser(text, name)
    try:
        value = parser.document()
    except RecursionError:
        raise JsonFileError(name, "The file is nested too deeply.") from None
    return JsonFile(
        name, value, parser.keys, parser.values, tuple(parser.notes), numbers=parser.numbers
    )


_DECODER = JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![\w.])")
_WORD = re.compile(r"\w+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHORT_TEXT = re.compile(r'"[^"\r\n]{0,40}"')
_CONSTANTS = {"true": True, "false": False, "null": None}
_MISSPELLED = {
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    "None": "null",
    "NULL": "null",
}


class _Parser:
    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.offset = 0
        self.keys: dict[JsonPath, tuple[int, int]] = {}
        self.values: dict[JsonPath, tuple[int, int]] = {}
        self.notes: list[Note] = []
        self.numbers: dict[JsonPath, str] = {}
        self.line_starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def position(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, at)
        return line, at - self.line_starts[line - 1] + 1

    def fail(self, fault: str, at: int) -> JsonFileError:
        line, column = self.position(at)
        shown = self.text[self.line_starts[line - 1] :].split("\n", 1)[0].rstrip("\r")
        return JsonFileError(
            self.name,
            f"The file is not valid JSON: {fault}.",
            line,
            column,
            shown.replace("\t", " "),
        )

    def note(self, fault: str, at: int, *, is_json: bool = False) -> None:
        self.notes.append(Note(*self.position(at), fault, is_json))

    def document(self) -> object:
        self.skip()
        if self.offset == len(self.text):
            raise JsonFileError(self.name, "The file is not valid JSON: it is empty.", 1, 1)
        value = self.value(())
        self.skip()
        if self.offset < len(self.text):
            raise self.fail(f"unexpected {self.token()} after the end of the document", self.offset)
        return value

    def token(self) -> str:
        """Describe the token at the current offset."""
        if self.offset >= len(self.text):
            return "the end of the file"
        word = _WORD.match(self.text, self.offset) or _SHORT_TEXT.match(self.text, self.offset)
        return f"'{word[0] if word else self.text[self.offset]}'"

    def skip(self) -> None:
        """Advance past whitespace and comments."""
        while True:
            space = _SPACE.match(self.text, self.offset)
            assert space is not None
            self.offset = space.end()
            if self.text.startswith("//", self.offset):
                end = self.text.find("\n", self.offset)
            elif self.text.startswith("/*", self.offset):
                end = self.text.find("*/", self.offset) + 2
                if end == 1:
                    raise self.fail("the comment has no closing '*/'", self.offset)
            else:
                return
            self.note("JSON has no comments", self.offset)
            self.offset = end if end >= 0 else len(self.text)

    def value(self, json_path: JsonPath) -> object:
        self.values[json_path] = self.position(self.offset)
        start = self.text[self.offset : self.offset + 1]
        if start == "{":
            return self.parse_object(json_path)
        if start == "[":
            return self.parse_array(json_path)
        if start == '"':
            return self.string()
        number = _NUMBER.match(self.text, self.offset)
        if number:
            self.offset = number.end()
            self.numbers[json_path] = number[0]
            if number[1] or number[2]:
                return float(number[0])
            if len(number[0]) > 1000:  # int() raises ValueError for too many digits
                raise self.fail("the number is too long", number.start())
            return int(number[0])
        word = _WORD.match(self.text, self.offset)
        if word and word[0] in _CONSTANTS:
            self.offset = word.end()
            return _CONSTANTS[word[0]]
        if word and word[0] in _MISSPELLED:
            raise self.fail(f"write '{_MISSPELLED[word[0]]}' instead of '{word[0]}'", self.offset)
        if start == "'":
            raise self.fail("strings need double quotes, not single quotes", self.offset)
        if word and not word[0][0].isdigit():
            raise self.fail(f'a string needs double quotes: "{word[0]}"', self.offset)
        raise self.fail(f"expected a value here, but found {self.token()}", self.offset)

    def string(self) -> str:
        try:
            value, self.offset = _DECODER.raw_decode(self.text, self.offset)
        except JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise self.fail("the string has no closing double quote", self.offset) from None
            if error.msg.startswith("Invalid control character"):
                if self.text[error.pos] in "\r\n":
                    raise self.fail(
                        "the string has no closing double quote on its line", self.offset
                    ) from None
                raise self.fail(
                    "the string has a control character (write a tab as '\\t')", error.pos
                ) from None
            backslash = self.text.rfind("\\", 0, error.pos + 1)
            raise self.fail("write a backslash in a string as '\\\\'", backslash) from None
        # .NET writes half of a surrogate pair as U+FFFD, because UTF-8 cannot represent it.
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", str(value))

    def parse_object(self, json_path: JsonPath) -> dict[str, object]:
        opened = self.offset
        self.offset += 1
        items: dict[str, object] = {}
        self.skip()
        while not self.closes("}", opened):
            if self.text[self.offset] != '"':
                unquoted = self.text[self.offset] == "'" or self.token().strip("'").isidentifier()
                fault = f"expected a key in double quotes here, but found {self.token()}"
                raise self.fail("keys need double quotes" if unquoted else fault, self.offset)
            begin = self.offset
            key = self.string()
            if key in items:
                self.note(f"'{key}' occurs twice; the last value is used", begin, is_json=True)
            inner = (*json_path, key)
            self.keys[inner] = self.position(begin)
            self.skip()
            if not self.text.startswith(":", self.offset):
                raise self.fail(f"':' is missing after \"{key}\"", self.offset)
            self.offset += 1
            self.skip()
            items[key] = self.value(inner)
            self.comma("}")
        self.offset += 1
        return items

    def parse_array(self, json_path: JsonPath) -> list[object]:
        opened = self.offset
        self.offset += 1
        items: list[object] = []
        self.skip()
        while not self.closes("]", opened):
            items.append(self.value((*json_path, len(items))))
            self.comma("]")
        self.offset += 1
        return items

    def closes(self, bracket: str, opened: int) -> bool:
        if self.offset >= len(self.text):
            raise self.fail(f"'{self.text[opened]}' has no closing '{bracket}'", opened)
        return self.text[self.offset] == bracket

    def comma(self, bracket: str) -> None:
        """Advance past the comma between two items and the whitespace after it."""
        self.skip()
        if self.text.startswith(",", self.offset):
            comma = self.offset
            self.offset += 1
            self.skip()
            if self.text.startswith(bracket, self.offset):
                self.note(f"JSON has no comma before '{bracket}'", comma)
        elif self.offset < len(self.text) and self.text[self.offset] != bracket:
            if self.text[self.offset] in "]}":
                raise self.fail(f"expected '{bracket}' here, but found {self.token()}", self.offset)
            raise self.fail(f"a comma is missing before {self.token()}", self.offset)
