"""The cause of a failure: the failed function, the type of the error, and its message without ids.

Failures with the same cause differ only in ids, numbers and times. The texts of failures are those
of ``engine/failures.py`` and of the SDKs.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

LONGEST_LINE = 300
"""Maximum characters of the first line of an error."""
FOLDED = "…"
"""The replacement for an id, a number or a time."""
_FAILED_FUNCTION = re.compile(r"(?:\w+ )?[Ff]unction '([^']{1,500})' failed: ")
_ERROR_TYPE = re.compile(r"((?:\w+\.)*[A-Z]\w*): ")
_HEADING = re.compile(r"(?:One or more errors occurred\. \()?Result: Failure\s+Exception: ")
"""The heading of an exception that the Azure Functions host reports in several lines."""
_WORD = r"\w@/#.+:%-"
_WORD_WITH_DIGIT = re.compile(rf"(?<![{_WORD}])[{_WORD}]*\d(?:[{_WORD}]*[\w%])?")
_SEVERAL = re.compile(f"{FOLDED}(?:,? {FOLDED})+")


class FailureCause(NamedTuple):
    """The function, error type and message that failures have in common."""

    function: str
    """The innermost function that the error names, or the orchestrator."""
    error_type: str
    """The class name of the exception, or "" if the error does not name it."""
    message: str
    """The first line of the message. ``FOLDED`` replaces each word with a digit."""

    @property
    def key(self) -> str:
        """The identifier of the cause in URLs."""
        return _key("\0".join(self))


@lru_cache(maxsize=1024)
def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def first_line(name: str, error: str) -> str:
    """Return the first line of an error, without the phrase that the orchestrator ``name`` failed.

    The error of an instance of SDK 1.x starts with this phrase.
    """
    line = _first_line(error).removeprefix(f"Orchestrator function '{name}' failed: ")
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def failure_cause(id: str, name: str, error: str) -> FailureCause:
    """Return the cause of the failure of the instance ``id`` of the orchestrator ``name``."""
    function, text = name, _first_line(error)
    while match := _FAILED_FUNCTION.match(text):
        function, text = match[1], text[match.end() :]
    error_type = ""
    if match := _ERROR_TYPE.match(text):
        error_type, text = match[1], text[match.end() :]
    message = text[:LONGEST_LINE]
    if len(id) > 3:
        message = message.replace(id, FOLDED)
    message = _SEVERAL.sub(FOLDED, _WORD_WITH_DIGIT.sub(FOLDED, message))
    return FailureCause(function, error_type, message)


def cause_key(id: object, name: object, error: object) -> str:
    """Return the key of the cause of a failure, for SQL."""
    return failure_cause(str(id), str(name), str(error or "")).key


def _first_line(error: str) -> str:
    """Return the first line that is not blank. A heading before the exception is left out."""
    text = _HEADING.sub("", error[:20_000], count=1)
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
