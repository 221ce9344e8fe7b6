"""A JSON file with the place of everything in it, read as the real host reads it.

UTF-8 with or without a byte order mark. Beyond JSON, comments and a comma before a closing bracket are accepted (the
real host's parser does) and noted; everything else that is not JSON is a JsonFileError that shows the line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from pathlib import Path

from embedded_host.app.definitions import Problem
from embedded_host.errors import EmbeddedHostError

Place = tuple[str | int, ...]
"""Keys and indices from the top: ``("bindings", 0, "type")``."""


class JsonFileError(EmbeddedHostError):
    """A file that cannot be read as JSON: where, what is wrong, and the offending line as it stands there."""

    def __init__(
        self, file: str, what: str, line: int = 0, column: int = 0, text: str = ""
    ) -> None:
        super().__init__(file, what, line, column, text)
        self.file, self.what, self.line, self.column, self.text = file, what, line, column, text

    def __str__(self) -> str:
        return str(self.problem())

    def problem(
        self, remedy: str = "", *, function: str | None = None, fatal: bool = False
    ) -> Problem:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        shown = f"\n    {self.text}\n    {' ' * (self.column - 1)}^" if self.text else ""
        if shown and remedy:
            shown += "\n   "  # and a blank, so the remedy stands under the line
        return Problem(
            where, f"{self.what}{shown}", remedy, function=function, fatal=fatal, code="EH110"
        )


@dataclass(frozen=True)
class Note:
    """Something that was tolerated: a comment, a trailing comma, a key that occurs twice."""

    line: int
    column: int
    what: str


@dataclass(frozen=True)
class JsonFile:
    """What a file holds. ``name`` is how it is called in messages."""

    name: str
    value: object
    keys: Mapping[Place, tuple[int, int]]
    """Line and column of each object key."""
    values: Mapping[Place, tuple[int, int]]
    """Line and column of each value, the top one under ``()``."""
    notes: tuple[Note, ...] = ()

    def where(self, place: Place = (), *, key: bool = False) -> str:
        """``file:line:column`` of a value (or of its key); of the closest thing around it if it is not in the file."""
        while place:
            found = (self.keys if key else self.values).get(place) or self.values.get(place)
            if found:
                return f"{self.name}:{found[0]}:{found[1]}"
            place = place[:-1]
        line, column = self.values.get((), (1, 1))
        return f"{self.name}:{line}:{column}"

    def warnings(self, why: str) -> tuple[Problem, ...]:
        """One Problem for each kind of thing that was tolerated; ``why`` says what comes of it."""
        kinds: dict[str, list[Note]] = {}
        for note in self.notes:
            kinds.setdefault(note.what, []).append(note)
        return tuple(
            Problem(
                f"{self.name}:{notes[0].line}:{notes[0].column}",
                what + (f" (and {len(notes) - 1} more)." if len(notes) > 1 else "."),
                why,
                code="EH111",
            )
            for what, notes in kinds.items()
        )


def read_json(path: Path, name: str) -> JsonFile:
    """Reads ``path``, called ``name`` in messages. Raises JsonFileError; FileNotFoundError if there is no such file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise JsonFileError(name, f"cannot be read: {error.strerror or error}.") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise JsonFileError(name, "is not UTF-8 but UTF-16: save it as UTF-8.", 1, 1)
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode().split("\n")
        what = f"is not UTF-8: the byte 0x{raw[error.start]:02x} is no character. Save the file as UTF-8."
        raise JsonFileError(name, what, len(before), len(before[-1]) + 1) from error
    return parse_json(text, name)


def parse_json(text: str, name: str) -> JsonFile:
    """As read_json, of a text at hand."""
    parser = _Parser(text, name)
    try:
        value = parser.document()
    except RecursionError:
        raise JsonFileError(name, "is nested too deeply.") from None
    return JsonFile(name, value, parser.keys, parser.values, tuple(parser.notes))


_DECODER = JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![\w.])")
_WORD = re.compile(r"\w+")
_SHORT_TEXT = re.compile(r'"[^"\r\n]{0,40}"')
_CONSTANTS = {"true": True, "false": False, "null": None}
_MISSPELT = {
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
        self.at = 0
        self.keys: dict[Place, tuple[int, int]] = {}
        self.values: dict[Place, tuple[int, int]] = {}
        self.notes: list[Note] = []
        self.line_starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def position(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, at)
        return line, at - self.line_starts[line - 1] + 1

    def fail(self, what: str, at: int) -> JsonFileError:
        line, column = self.position(at)
        shown = self.text[self.line_starts[line - 1] :].split("\n", 1)[0].rstrip("\r")
        return JsonFileError(
            self.name, f"is not valid JSON: {what}.", line, column, shown.replace("\t", " ")
        )

    def note(self, what: str, at: int) -> None:
        self.notes.append(Note(*self.position(at), what))

    def document(self) -> object:
        self.skip()
        if self.at == len(self.text):
            raise JsonFileError(self.name, "is not valid JSON: it is empty.", 1, 1)
        value = self.value(())
        self.skip()
        if self.at < len(self.text):
            raise self.fail(
                f"something follows the end of the document, which starts with {self.found()}",
                self.at,
            )
        return value

    def found(self) -> str:
        """What stands at the present place, in words."""
        if self.at >= len(self.text):
            return "the end of the file"
        word = _WORD.match(self.text, self.at) or _SHORT_TEXT.match(self.text, self.at)
        return f"'{word[0] if word else self.text[self.at]}'"

    def skip(self) -> None:
        """Over blanks and comments."""
        while True:
            space = _SPACE.match(self.text, self.at)
            assert space is not None
            self.at = space.end()
            if self.text.startswith("//", self.at):
                end = self.text.find("\n", self.at)
            elif self.text.startswith("/*", self.at):
                end = self.text.find("*/", self.at) + 2
                if end == 1:
                    raise self.fail("this comment is not closed with '*/'", self.at)
            else:
                return
            self.note("A comment is not JSON", self.at)
            self.at = end if end >= 0 else len(self.text)

    def value(self, place: Place) -> object:
        self.values[place] = self.position(self.at)
        start = self.text[self.at : self.at + 1]
        if start == "{":
            return self.parse_object(place)
        if start == "[":
            return self.parse_array(place)
        if start == '"':
            return self.string()
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            if number[1] or number[2]:
                return float(number[0])
            if len(number[0]) > 1000:  # Python itself refuses a few thousand digits
                raise self.fail("this number is too long", number.start())
            return int(number[0])
        word = _WORD.match(self.text, self.at)
        if word and word[0] in _CONSTANTS:
            self.at = word.end()
            return _CONSTANTS[word[0]]
        if word and word[0] in _MISSPELT:
            raise self.fail(f"'{word[0]}' is written '{_MISSPELT[word[0]]}' in JSON", self.at)
        if start == "'":
            raise self.fail("texts stand in double quotes, not in single ones", self.at)
        if word and not word[0][0].isdigit():
            raise self.fail(f'a text needs double quotes: "{word[0]}"', self.at)
        raise self.fail(f"a value is expected here, but there is {self.found()}", self.at)

    def string(self) -> str:
        try:
            value, self.at = _DECODER.raw_decode(self.text, self.at)
        except JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise self.fail("this text has no closing double quote", self.at) from None
            if error.msg.startswith("Invalid control character"):
                if self.text[error.pos] in "\r\n":
                    raise self.fail(
                        "this text has no closing double quote on its line", self.at
                    ) from None
                raise self.fail(
                    "a control character in a text (a tab is written '\\t')", error.pos
                ) from None
            backslash = self.text.rfind("\\", 0, error.pos + 1)
            raise self.fail("a backslash in a text must be doubled: '\\\\'", backslash) from None
        return str(value)

    def parse_object(self, place: Place) -> dict[str, object]:
        opened = self.at
        self.at += 1
        items: dict[str, object] = {}
        self.skip()
        while not self.closes("}", opened):
            if self.text[self.at] != '"':
                name = self.text[self.at] == "'" or self.found().strip("'").isidentifier()
                what = f"a name in double quotes is expected here, but there is {self.found()}"
                raise self.fail("names stand in double quotes" if name else what, self.at)
            begin = self.at
            key = self.string()
            if key in items:
                self.note(f"'{key}' occurs twice, and the last one counts", begin)
            inner = (*place, key)
            self.keys[inner] = self.position(begin)
            self.skip()
            if not self.text.startswith(":", self.at):
                raise self.fail(f"a ':' is missing after \"{key}\"", self.at)
            self.at += 1
            self.skip()
            items[key] = self.value(inner)
            self.comma("}")
        self.at += 1
        return items

    def parse_array(self, place: Place) -> list[object]:
        opened = self.at
        self.at += 1
        items: list[object] = []
        self.skip()
        while not self.closes("]", opened):
            items.append(self.value((*place, len(items))))
            self.comma("]")
        self.at += 1
        return items

    def closes(self, bracket: str, opened: int) -> bool:
        if self.at >= len(self.text):
            raise self.fail(f"this '{self.text[opened]}' is not closed with '{bracket}'", opened)
        return self.text[self.at] == bracket

    def comma(self, bracket: str) -> None:
        """Over the comma between two items, and the blanks after it."""
        self.skip()
        if self.text.startswith(",", self.at):
            comma = self.at
            self.at += 1
            self.skip()
            if self.text.startswith(bracket, self.at):
                self.note(f"A comma before '{bracket}' is not JSON", comma)
        elif self.at < len(self.text) and self.text[self.at] != bracket:
            if self.text[self.at] in "]}":
                raise self.fail(
                    f"'{bracket}' is expected here, but there is {self.found()}", self.at
                )
            raise self.fail(f"a comma is missing before {self.found()}", self.at)
