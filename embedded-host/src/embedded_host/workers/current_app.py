"""The loaded app that is in service. A reload replaces it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from embedded_host.workers.loaded_app import LoadedApp

NOT_LOADED = "The changed code does not load"
"""The first words of the problem of changed code that cannot be imported."""


@dataclass(frozen=True)
class FailedReload:
    """The latest reload, which has failed. The previous code is in service."""

    time: datetime
    problems: Sequence[str]
    """The problems of the changed code."""


class CurrentApp:
    """Holds the LoadedApp that is in service and notifies subscribers when a reload replaces it."""

    def __init__(self, loaded: LoadedApp) -> None:
        self._loaded = loaded
        self._subscribers: list[Callable[[LoadedApp], None]] = []
        self.loaded_time = datetime.now(timezone.utc)
        """Time of the load of the app."""
        self.problems: Sequence[str] = ()
        """The problems of the app, as the console has printed them."""
        self.failed_reload: FailedReload | None = None
        """The latest reload if it has failed, or None."""
        self.reloads = self.failed_reloads = 0
        """Numbers of successful and failed reloads."""

    @property
    def loaded(self) -> LoadedApp:
        """The app of the latest successful load."""
        return self._loaded

    def subscribe(self, on_reload: Callable[[LoadedApp], None]) -> None:
        """Call ``on_reload`` after each replacement, in the order of subscription."""
        self._subscribers.append(on_reload)

    def replace(self, loaded: LoadedApp, problems: Sequence[str] = ()) -> None:
        """Put ``loaded`` with its ``problems`` into service and notify the subscribers."""
        self._loaded, self.problems, self.failed_reload = loaded, problems, None
        self.loaded_time = datetime.now(timezone.utc)
        self.reloads += 1
        for on_reload in self._subscribers:
            on_reload(loaded)

    def reload_failed(self, problems: Sequence[str]) -> None:
        """Keep the app in service, because changed code has ``problems``."""
        self.failed_reload = FailedReload(datetime.now(timezone.utc), problems)
        self.failed_reloads += 1
