"""Options of ``embedded-host start`` that change an app's settings, as with ``func start``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from embedded_host.app.definitions import App, HostJson, LocalSettings


@dataclass(frozen=True)
class AppOptions:
    """The options. An option that is not given has no effect."""

    functions: tuple[str, ...] = ()
    """The functions to load (``--functions``)."""
    cors: tuple[str, ...] = ()
    """The allowed origins (``--cors``)."""
    cors_credentials: bool = False
    """True if CORS allows credentials (``--cors-credentials``)."""
    user_log_level: str = ""
    """The lowest visible level of the category Function (``--user-log-level``)."""

    @property
    def settings(self) -> dict[str, str]:
        """The app settings that replace ``functions`` of host.json, as Core Tools write them."""
        return {
            f"AzureFunctionsJobHost__functions__{index}": name
            for index, name in enumerate(self.functions)
        }

    def apply_to(self, app: App) -> App:
        """Return the app with the settings of the options."""
        return replace(app, settings=self._settings(app.settings), host=self._host(app.host))

    def _settings(self, settings: LocalSettings) -> LocalSettings:
        return replace(
            settings,
            cors=self.cors or settings.cors,
            cors_credentials=self.cors_credentials or settings.cors_credentials,
        )

    def _host(self, host: HostJson) -> HostJson:
        """Set the level of the category Function, unless host.json has a level for it."""
        levels = host.log_levels
        if not self.user_log_level or any(name.lower() == "function" for name in levels):
            return host
        return replace(host, log_levels={**levels, "Function": self.user_log_level})
