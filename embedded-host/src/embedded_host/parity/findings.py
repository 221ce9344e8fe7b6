"""The parity findings of an app."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from embedded_host.app.definitions import Function, HostJson
from embedded_host.parity.kinds import Kind
from embedded_worker.protocol import FindingData

log = logging.getLogger("embedded_host.parity")

INSTANCES = 20
"""Maximum number of instance ids that a finding has."""
LISTED = 5
"""Maximum number of functions that a line lists. The other functions are only counted."""


class Finding(Struct):
    """A part of an app that works here, but not on the Azure Functions host."""

    kind: Kind
    function: str
    file: str = ""
    """The path of the code relative to the app folder, or an empty string."""
    line: int = 0
    """The line of the code or of the function's definition, or 0 if it is unknown."""
    detail: str = ""
    """A sentence about the first occurrence, or an empty string."""
    count: int = 1
    """The number of occurrences since the app's code was loaded."""
    instances: list[str] = field(default_factory=list)
    """The ids of the first instances with this finding, at most ``INSTANCES``."""

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
        detail = f" {self.detail}" if self.detail else ""
        return (
            f"On the Azure Functions host, {self.on_azure}.{detail} {self.kind.instead} "
            f"[{self.kind.code}]"
        )


class Findings:
    """The findings of the loaded app. Each finding is logged once per function and kind.

    Iteration returns the findings of the current code. A reload removes the findings. If the new
    code has a finding again, the finding is not logged again.
    """

    def __init__(
        self, host: HostJson | None = None, *, is_strict: bool = False, is_logged: bool = True
    ) -> None:
        """Create an empty collection. ``host`` has the settings of the app's host.json.

        ``host`` is None for a task hub without an app. In this case, ``add`` does nothing.
        ``is_logged`` is False if the caller prints the findings.
        """
        self.host = host or HostJson()
        self.is_strict = is_strict
        """True if functions fail as on the Azure Functions host (``--parity strict``)."""
        self._is_ignored = host is None
        self._is_logged = is_logged
        self._functions: dict[str, Function] = {}
        self._found: dict[tuple[str, str], Finding] = {}
        self._logged: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over the findings in the order in which they were added."""
        return iter(list(self._found.values()))

    def use(self, functions: Iterable[Function]) -> None:
        """Replace the app's functions, and remove all findings."""
        self._found.clear()
        self._functions = {}
        for function in functions:
            self._functions[function.name.lower()] = function
            self._functions[function.durable_name.lower()] = function

    def has(self, kind: Kind, function: str) -> bool:
        """Return True if the finding has been added."""
        return (kind.code, function.lower()) in self._found

    def add(
        self,
        kind: Kind,
        function: str,
        *,
        instance_id: str = "",
        detail: str = "",
        file: str = "",
        line: int = 0,
    ) -> None:
        """Add an occurrence of a finding, and log the finding if it is new.

        ``function`` is the name or the durable name of a function, in upper or lower case, or the
        name of a file of the app. ``detail`` is a sentence about this occurrence. ``file`` and
        ``line`` are the position of the code. By default, it is the function's definition.
        """
        found = self._count(kind, function, instance_id, detail, file, line)
        if found is not None:
            log.warning("%s", found)

    def add_reported(self, finding: FindingData) -> None:
        """Add an occurrence of a finding that a worker has reported."""
        # A worker reports few findings, so the kinds are imported only now.
        from embedded_host.parity.registry import kind_of

        self.add(
            kind_of(finding.code),
            finding.function,
            instance_id=finding.instance_id,
            detail=finding.detail,
            file=finding.file,
            line=finding.line,
        )

    def add_all(self, kind: Kind, functions: Sequence[str]) -> None:
        """Add a finding for each function, and log the new findings in one line.

        If there are several functions, ``kind`` must have a text for several functions.
        """
        counted = (self._count(kind, function) for function in functions)
        new = [finding for finding in counted if finding is not None]
        if len(new) == 1:
            log.warning("%s", new[0])
        elif new:
            log.warning("%s", _summary(kind, new))

    def _count(
        self,
        kind: Kind,
        function: str,
        instance_id: str = "",
        detail: str = "",
        file: str = "",
        line: int = 0,
    ) -> Finding | None:
        """Count an occurrence. Return its finding if the finding has to be logged."""
        if self._is_ignored:
            return None
        key = (kind.code, function.lower())
        found = self._found.get(key)
        if found is not None:
            found.count += 1
            if (
                instance_id
                and len(found.instances) < INSTANCES
                and instance_id not in found.instances
            ):
                found.instances.append(instance_id)
            return None
        known = self._functions.get(function.lower())
        if known is not None:
            function = known.name
            if not file:
                file, line = known.code_file, line or known.line
        found = Finding(kind, function, file, line, detail)
        if instance_id:
            found.instances.append(instance_id)
        self._found[key] = found
        if key in self._logged or not self._is_logged:
            return None
        self._logged.add(key)
        return found


def _summary(kind: Kind, findings: Sequence[Finding]) -> str:
    """Return one line for several findings of one kind."""
    more = len(findings) - LISTED
    functions = ", ".join(finding.position for finding in findings[:LISTED])
    clause = kind.of_several.format(functions=functions + (f" and {more} more" if more > 0 else ""))
    return f"On the Azure Functions host, {clause}. {kind.instead} [{kind.code}]"
