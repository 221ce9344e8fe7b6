from __future__ import annotations

from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp


def loaded() -> LoadedApp:
    return LoadedApp(App(Path("app"), HostJson(), LocalSettings(), ()))


def test_subscribers_get_the_app_that_replaces_the_current_one() -> None:
    first, second = loaded(), loaded()
    current = CurrentApp(first)
    calls: list[tuple[str, LoadedApp]] = []
    current.subscribe(lambda app: calls.append(("a", app)))
    current.subscribe(lambda app: calls.append(("b", app)))
    assert current.loaded is first
    assert calls == []
    current.replace(second)
    assert current.loaded is second
    assert [(name, app is second) for name, app in calls] == [("a", True), ("b", True)]
