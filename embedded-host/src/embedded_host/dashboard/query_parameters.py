"""What the page asks for, read from the query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from embedded_host.errors import EmbeddedHostError
from embedded_host.http.management_values import STATUSES, moment
from embedded_host.store.epoch import micros
from embedded_host.store.overview import SORTS, Wanted


class InvalidParameterError(EmbeddedHostError):
    """The question cannot be read; the text says why."""


class Asked:
    """The query's parameters, by lower-case name."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query

    def text(self, name: str) -> str:
        return self._query.get(name, "")

    def needed(self, name: str) -> str:
        if not self.text(name):
            raise InvalidParameterError(f"'{name}' is missing. [EH336]")
        return self.text(name)

    def flag(self, name: str) -> bool:
        return self.text(name) in ("1", "true")

    def number(self, name: str, default: int, most: int) -> int:
        text = self.text(name) or str(default)
        number = whole(text)
        if number is None or not 1 <= number <= most:
            raise InvalidParameterError(f"'{name}' is a number from 1 to {most:,}, not '{text}'. [EH336]")
        return number

    def offset(self) -> int:
        number = whole(self.text("offset") or "0")
        if number is None:
            raise InvalidParameterError(f"'offset' is a number, not '{self.text('offset')}'. [EH336]")
        return number

    def sort(self, default: str = "created") -> str:
        text = self.text("sort") or default
        if text not in SORTS:
            raise InvalidParameterError(f"'sort' is one of {', '.join(SORTS)}, not '{text}'. [EH336]")
        return text

    def micros(self, name: str) -> int | None:
        found = self._moment(name)
        return None if found is None else micros(found)

    def wanted(self, *, any_status: bool = False) -> Wanted:
        statuses = tuple(status for status in self.text("status").split(",") if status)
        for status in statuses:
            if status not in STATUSES:
                raise InvalidParameterError(f"There is no status '{status}'. [EH336]")
        return Wanted(
            statuses=() if any_status else statuses,
            name=self.text("name") or None,
            id_prefix=self.text("prefix") or None,
            created_from=self._moment("from"),
            created_to=self._moment("to"),
            waiting=self.text("waiting") or None,
        )

    def _moment(self, name: str) -> datetime | None:
        text = self.text(name)
        found = moment(text)
        if text and found is None:
            raise InvalidParameterError(f"'{name}' is a date and time, not '{text}'. [EH336]")
        return found


def whole(text: str) -> int | None:
    """A number that SQLite has room for; None for anything else."""
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else None
