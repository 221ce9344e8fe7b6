"""The parity findings of an app."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from embedded_host.app.definitions import Function, HostJson
from embedded_host.parity.kinds import Kind

log = logging.getLogger("embedded_host.parity")

LISTED = 5
"""Maximum number of functions that a line lists. The other functions are only counted."""


class Finding(Struct, frozen=True):
    """A function that works here, but not on the Azure Functions host."""

    kind: Kind
    function: str
    file: str = ""
    """The path of the function's code relative to the app folder, or an empty string."""
    line: int = 0
    """The line of the function's definition, or 0 if it is unknown."""

    @property
    def position(self) -> str:
        """The function's name and its position, if the position is known."""
        position = f" ({self.file} line {self.line})" if self.file else ""
        return f"'{self.function}'{position}"

    @property
    def on_azure(self) -> str:
        """A clause that states the behavior of the Azure Functions host."""
        return self.kind.on_azure.format(function=self.position)

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
        self.add_all(kind, [function])

    def add_all(self, kind: Kind, functions: Sequence[str]) -> None:
        """Add a finding for each function, and log the new findings in one line.

        If there are several functions, ``kind`` must have a text for several functions.
        """
        new: list[Finding] = []
        for function in functions:
            key = (kind.code, function.lower())
            if self._is_ignored or key in self._found:
                continue
            known = self._functions.get(function.lower())
            finding = (
                Finding(kind, function)
                if known is None
                else Finding(kind, known.name, known.code_file, known.line)
            )
            self._found[key] = finding
            if key not in self._logged:
                self._logged.add(key)
                new.append(finding)
        if len(new) == 1:
            log.warning("%s", new[0])
        elif new:
            log.warning("%s", _summary(kind, new))


def _summary(kind: Kind, findings: Sequence[Finding]) -> str:
    """Return one line for several findings of one kind."""
    more = len(findings) - LISTED
    functions = ", ".join(finding.position for finding in findings[:LISTED])
    clause = kind.of_several.format(functions=functions + (f" and {more} more" if more > 0 else ""))
    return f"On the Azure Functions host, {clause}. {kind.instead} [{kind.code}]"
