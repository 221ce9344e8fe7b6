"""A response of a host to a command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from embedded_host.cli.command import CommandError
from embedded_host.cli.reader import Json


@dataclass(frozen=True)
class ApiResponse:
    """A response of the host."""

    status: int
    headers: Mapping[str, str]
    """The headers by name in lower case."""
    text: str

    def json_value(self) -> object:
        """Return the JSON value of the body. Raises CommandError if the body is not JSON."""
        try:
            value: object = json.loads(self.text)
        except ValueError:
            raise self._unexpected("a response that is not JSON") from None
        return value

    def json_object(self) -> Json:
        """Return the JSON object of the body. Raises CommandError if the body is not an object."""
        value = self.json_value()
        if not isinstance(value, dict):
            raise self._unexpected("an unexpected response")
        return value

    def json_objects(self) -> list[Json]:
        """Return the body's array. Raises CommandError if the body is not an array of objects."""
        value = self.json_value()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._unexpected("an unexpected response")
        return value

    def _unexpected(self, problem: str) -> CommandError:
        return CommandError(
            f"The host returned {problem}: {self.text[:200]!r}. Check that a Functions host "
            "listens at this address. [EH504]"
        )

    @property
    def error_message(self) -> str:
        """The message of an error response (functions-host.md#transport)."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return self.text.strip()[:500]
        if isinstance(body, dict):
            body = body.get("ExceptionMessage") or body.get("Message") or self.text[:500]
        return str(body)
