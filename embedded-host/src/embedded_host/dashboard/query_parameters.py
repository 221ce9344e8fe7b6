"""Typed access to the query parameters of the dashboard's API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from embedded_host.engine.status import STATUSES
from embedded_host.errors import EmbeddedHostError
from embedded_host.management.parameters import parse_timestamp
from embedded_host.store.epoch import micros
from embedded_host.store.instance_lists import SORTS
from embedded_host.store.interface import LONGEST_SEARCH, ORDERS, InstanceQuery

KEY = "code"
"""The parameter with an access key, which every request may have."""
_FLAGS = {"1": True, "true": True, "": False, "0": False, "false": False}


class InvalidParameterError(EmbeddedHostError):
    """A query parameter is missing or invalid. The message names the parameter."""


class QueryParameters:
    """The parameters of one request. Methods raise InvalidParameterError for an invalid value."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self._known = {KEY}

    def text(self, name: str) -> str:
        """Return the value, or "" if the parameter is missing."""
        self._known.add(name)
        return self._query.get(name, "")

    def reject_unknown(self) -> None:
        """Raise InvalidParameterError if the request has a parameter that no method has read.

        A filter with a misspelled name would otherwise match every instance.
        """
        for name in self._query:
            if name not in self._known:
                known = ", ".join(sorted(self._known - {KEY}))
                raise InvalidParameterError(
                    f"The parameter '{name}' is unknown. The known parameters are: {known}. [EH336]"
                )

    def required(self, name: str) -> str:
        """Return the value of a parameter that must be present and not empty."""
        if not self.text(name):
            raise InvalidParameterError(f"The parameter '{name}' is missing. [EH336]")
        return self.text(name)

    def flag(self, name: str) -> bool:
        """Return True for ``1`` and ``true``, and False for ``0``, ``false`` and no value."""
        text = self.text(name)
        flag = _FLAGS.get(text.lower())
        if flag is None:
            raise InvalidParameterError(f"'{name}' must be true or false, not '{text}'. [EH336]")
        return flag

    def number(self, name: str, default: int, most: int) -> int:
        """Return an integer from 1 to ``most``."""
        text = self.text(name) or str(default)
        number = parse_integer(text)
        if number is None or not 1 <= number <= most:
            raise InvalidParameterError(
                f"'{name}' must be a number from 1 to {most:,}, not '{text}'. [EH336]"
            )
        return number

    def offset(self) -> int:
        """Return the number of rows before the page."""
        number = parse_integer(self.text("offset") or "0")
        if number is None:
            raise InvalidParameterError(
                f"'offset' must be a number, not '{self.text('offset')}'. [EH336]"
            )
        return number

    def order(self) -> tuple[str, bool]:
        """Return a key of ``SORTS``, and True for a descending order.

        The parameter ``order`` takes precedence over ``sort`` and ``desc``.
        """
        text, sort, descending = self.text("order"), self.sort(), self.flag("desc")
        if not text:
            return sort, descending
        name = text.removeprefix("-")
        if name not in ORDERS:
            raise InvalidParameterError(
                f"'order' must be one of {', '.join(ORDERS)}, for a descending order with - before "
                f"the name, not '{text}'. [EH336]"
            )
        return ORDERS[name], text.startswith("-")

    def sort(self, default: str = "created") -> str:
        """Return the name of a sort order, a key of ``SORTS``."""
        text = self.text("sort") or default
        if text not in SORTS:
            raise InvalidParameterError(
                f"'sort' must be one of {', '.join(SORTS)}, not '{text}'. [EH336]"
            )
        return text

    def micros(self, name: str) -> int | None:
        """Return a date and time in microseconds since 1970, or None if it is missing."""
        time = self.time(name)
        return None if time is None else micros(time)

    def instance_query(self, *, any_status: bool = False) -> InstanceQuery:
        """Return the query for the list of instances.

        If ``any_status`` is true, the query matches every status.
        """
        statuses = tuple(status for status in self.text("status").split(",") if status)
        for status in statuses:
            if status not in STATUSES:
                raise InvalidParameterError(f"'{status}' is not a runtime status. [EH336]")
        return InstanceQuery(
            entities=False,
            statuses=() if any_status else statuses,
            name=self.text("name") or None,
            id_prefix=self.text("prefix") or None,
            created_from=self.time("from"),
            created_to=self.time("to"),
            waiting=self.text("waiting") or None,
            search=self._part("search"),
            failed_with=self._part("failedwith"),
            cause=self.text("cause") or None,
            parent_id=self.text("parent") or None,
            top_level=self.flag("toplevel"),
        )

    def _part(self, name: str) -> str | None:
        text = self.text(name)
        if len(text) > LONGEST_SEARCH:
            raise InvalidParameterError(
                f"'{name}' must have at most {LONGEST_SEARCH} characters, not {len(text)}. [EH336]"
            )
        return text or None

    def time(self, name: str) -> datetime | None:
        """Return a date and time, or None if it is missing."""
        text = self.text(name)
        time = parse_timestamp(text)
        if text and time is None:
            raise InvalidParameterError(f"'{name}' must be a date and time, not '{text}'. [EH336]")
        return time


def parse_integer(text: str) -> int | None:
    """Return an integer of at most 12 ASCII digits, or None for any other string.

    SQLite cannot store integers of more than 64 bits.
    """
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else None
