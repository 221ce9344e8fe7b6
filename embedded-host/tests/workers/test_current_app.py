from __future__ import annotations

from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp


def loaded_app() -> LoadedApp:
    return LoadedApp(App(Path("app"), HostJson(), LocalSettings(), ()))


def test_replace_puts_another_app_into_service() -> None:
    before, after = loaded_app(), loaded_app()
    current = CurrentApp(before)
    assert current.loaded is before
    current.replace(after)
    assert current.loaded is after


def test_replace_notifies_the_subscribers_in_order_after_the_change() -> None:
    current, after = CurrentApp(loaded_app()), loaded_app()
    notified: list[tuple[str, bool, bool]] = []
    for name in ("first", "second"):
        current.subscribe(
            lambda loaded, name=name: notified.append(
                (name, loaded is after, current.loaded is after)
            )  # type: ignore[misc]
        )
    assert notified == []
    current.replace(after)
    assert notified == [("first", True, True), ("second", True, True)]
