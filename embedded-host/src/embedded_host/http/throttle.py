"""Limits concurrent requests for functions: ``extensions.http`` of host.json
(https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#hostjson-settings)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from embedded_host.errors import EmbeddedHostError

log = logging.getLogger("embedded_host.http")


class TooBusyError(EmbeddedHostError):
    """The limit of outstanding requests is reached."""


class Throttle:
    def __init__(self, outstanding: int | None = None, concurrent: int | None = None) -> None:
        """``outstanding`` is the limit of waiting and running requests, ``concurrent`` that of running functions. None is no limit."""
        self._limit, self._outstanding = outstanding, 0
        self.running: contextlib.AbstractAsyncContextManager[object] = (
            contextlib.nullcontext() if concurrent is None else asyncio.Semaphore(concurrent)
        )
        """Context manager around the run of a function. Waits for its turn, in order of arrival."""
        self._logged = False

    @contextlib.contextmanager
    def admit(self) -> Iterator[None]:
        """Context manager around a whole request. Raises TooBusyError."""
        if self._limit is not None and self._outstanding >= self._limit:
            if not self._logged:
                self._logged = True
                log.warning(
                    "%d requests for functions wait or are under way: further ones are answered 429 "
                    "(extensions.http.maxOutstandingRequests in host.json). [EH332]",
                    self._outstanding,
                )
            raise TooBusyError
        self._outstanding += 1
        try:
            yield
        finally:
            self._outstanding -= 1
            if self._outstanding == 0:
                self._logged = False
