"""The parity findings of an app."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from msgspec import Struct

from embedded_host.app.definitions import Function, HostJson
from embedded_host.parity.kinds import Kind

log = logging.getLogger("embedded_host.parity")


class Finding(Struct, frozen=True):
    """A function that works here, but not on the Azure Functions host."""

    kind: Kind
    function: str
    file: str = ""
    """The path of the function's code relative to the app folder, or an empty string."""
    line: int = 0
    """The line of the function's definition, or 0 if it is unknown."""

    @property
    def on_azure(self) -> str:
        """A clause that states the behavior of the Azure Functions host."""
        position = f" ({self.file} line {self.line})" if self.file else ""
        return self.kind.on_azure.format(function=f"'{self.function}'{position}")

    def __str__(self) -> str:
        """Return the behavior of the Azure Functions host, the fix and the code."""
        return (
            f"On the Azure Functions host, {self.on_azure}. {self.kind.instead} [{self.kind.code}]"
        )


class Findings:
    """The findings of the loaded app. Each finding is logged once per function and kind.

    Iteration returns the findings of the current code. A reload removes the findings. If the new
    code has a finding again, the finding is not logged again.
    """

    def __init__(self, host: HostJson | None = None) -> None:
        """Create an empty collection. ``host`` has the settings of the app's host.json.

        ``host`` is None for a task hub without an app. In this case, ``add`` does nothing.
        """
        self.host = host or HostJson()
        self._is_ignored = host is None
        self._functions: dict[str, Function] = {}
        self._found: dict[tuple[str, str], Finding] = {}
        self._logged: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over the findings in the order in which they were added."""
        return iter(list(self._found.values()))

    def use(self, functions: Iterable[Function]) -> None:
        """Replace the app's functions, and remove all findings."""
        self._found.clear()
        self._functions = {
            function.durable_name.lower(): function
            for function in functions
            if function.durable_kind in ("orchestrator", "entity")
        }

    def has(self, kind: Kind, function: str) -> bool:
        """Return True if the finding has been added."""
        return (kind.code, function.lower()) in self._found

    def add(self, kind: Kind, function: str) -> None:
        """Add a finding. ``function`` is the durable name of a function, in upper or lower case."""
        key = (kind.code, function.lower())
        if self._is_ignored or key in self._found:
            return
        known = self._functions.get(function.lower())
        finding = (
            Finding(kind, function)
            if known is None
            else Finding(kind, known.name, known.code_file, known.line)
        )
        self._found[key] = finding
        if key not in self._logged:
            self._logged.add(key)
            log.warning("%s", finding)
