"""The exits of worker processes, as the Azure Functions host counts them."""

from __future__ import annotations

from collections.abc import Iterable

from embedded_host.parity.kinds import exits
from embedded_worker.protocol import FindingData

EXITS_PER_PROCESS = 3
"""The exits of worker processes, for each process, after which the Functions host exits."""
_FORGOTTEN_AFTER = 30 * 60.0


class ExitCount:
    """The exits of the processes that receive calls."""

    def __init__(self, processes: int) -> None:
        """Count the exits of ``processes`` processes."""
        self._limit = EXITS_PER_PROCESS * processes
        self._times: list[float] = []

    def add(self, code: int, now: float, causes: Iterable[str]) -> list[FindingData]:
        """Count an exit with ``code`` at ``now``, and return a finding for each of ``causes``.

        ``causes`` are the functions that may have ended the process. The exit is a finding if the
        Azure Functions host exits after it. That host forgets exits if there is no other exit
        within ``_FORGOTTEN_AFTER`` seconds. It ignores the exit code 0
        (``WorkerProcess.OnProcessExited``).
        """
        if not code:
            return [FindingData(exits.SILENT_EXIT.code, name) for name in dict.fromkeys(causes)]
        if self._times and now - self._times[-1] > _FORGOTTEN_AFTER:
            self._times.clear()
        self._times.append(now)
        if len(self._times) != self._limit:
            return []
        detail = f"{len(self._times)} processes have exited. This host continues."
        return [FindingData(exits.HOST_EXIT.code, name, detail) for name in dict.fromkeys(causes)]
