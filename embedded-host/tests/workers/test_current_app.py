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


def test_a_failed_reload_is_kept_until_the_next_successful_one() -> None:
    current = CurrentApp(loaded_app())
    loaded_time = current.loaded_time
    current.reload_failed(["line 7 does not parse"])
    failed = current.failed_reload
    assert failed is not None
    assert failed.problems == ["line 7 does not parse"]
    assert failed.time >= loaded_time
    assert current.loaded_time == loaded_time, "the previous code is in service"
    assert (current.reloads, current.failed_reloads) == (0, 1)


def test_a_reload_replaces_the_problems_and_the_failed_reload() -> None:
    current = CurrentApp(loaded_app())
    loaded_time = current.loaded_time
    current.reload_failed(["line 7 does not parse"])
    current.replace(loaded_app(), ["a warning"])
    assert (current.failed_reload, current.problems) == (None, ["a warning"])
    assert current.loaded_time >= loaded_time
    assert current.reloads == 1
