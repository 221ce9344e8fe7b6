"""The loaded app that is in service. A reload replaces it."""

from __future__ import annotations

from collections.abc import Callable

from embedded_host.workers.loaded_app import LoadedApp


class CurrentApp:
    """Holds the LoadedApp that is in service and notifies subscribers when a reload replaces it."""

    def __init__(self, loaded: LoadedApp) -> None:
        self._loaded = loaded
        self._subscribers: list[Callable[[LoadedApp], None]] = []

    @property
    def loaded(self) -> LoadedApp:
        """The app of the latest successful load."""
        return self._loaded

    def subscribe(self, on_reload: Callable[[LoadedApp], None]) -> None:
        """Call ``on_reload`` after each replacement, in the order of subscription."""
        self._subscribers.append(on_reload)

    def replace(self, loaded: LoadedApp) -> None:
        """Put ``loaded`` into service and notify the subscribers."""
        self._loaded = loaded
        for on_reload in self._subscribers:
            on_reload(loaded)
