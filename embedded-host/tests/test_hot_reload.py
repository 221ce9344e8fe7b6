"""Reloads after changes of files, their failures, and changes during a reload."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from embedded_host import reload
from embedded_host.app.definitions import App, Problem
from embedded_host.app.errors import AppError
from embedded_host.app.folder import read_app
from embedded_host.hot_reload import HotReload
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually_async

Load = Callable[[App], Awaitable[bool]]


class Files:
    """Changes of files that the test reports instead of the watcher."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._queue: asyncio.Queue[set[Path] | Exception] = asyncio.Queue()

    def change(self, *names: str) -> None:
        self._queue.put_nowait({self.root / name for name in names})

    def fail(self, error: Exception) -> None:
        self._queue.put_nowait(error)

    async def changes(self, root: Path) -> AsyncIterator[set[Path]]:
        while True:
            files = await self._queue.get()
            if isinstance(files, Exception):
                raise files
            yield files


@pytest.fixture
def files(
    app: AppFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Files:
    caplog.set_level(logging.INFO, "embedded_host")
    files = Files(app.root)
    monkeypatch.setattr(reload, "changes", files.changes)
    return files


@asynccontextmanager
async def watching(
    files: Files,
    load: Load,
    read: Callable[[], App] | None = None,
    failures: list[str] | None = None,
    warnings: list[str] | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a hot reload until the end of the block."""
    hot_reload = HotReload(
        files.root,
        read or (lambda: read_app(files.root, {})),
        load,
        None if failures is None else failures.append,
        None if warnings is None else warnings.append,
    )
    task = asyncio.ensure_future(hot_reload.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def accepted(app: App) -> bool:
    return True


async def test_a_changed_file_reloads_the_app(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(files, accepted):
        files.change("b.py", "a.py")
        await eventually_async(lambda: "a.py, b.py changed. Reloaded in" in caplog.text, "reload")


async def test_a_file_that_is_read_at_the_start_only_does_not_reload_the_app(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    warnings: list[str] = []
    async with watching(files, accepted, warnings=warnings):
        files.change("host.json")
        await eventually_async(lambda: "host.json changed. Restart" in caplog.text, "warning")
        assert warnings == ["host.json changed. Restart the host to apply the change. [EH304]"]
        assert "Reloaded" not in caplog.text
        files.change("host.json", "a.py")
        await eventually_async(lambda: "a.py, host.json changed. Reloaded" in caplog.text, "reload")


async def test_a_change_during_a_reload_starts_it_again_with_all_changed_files(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    loads = 0

    async def first_blocks(app: App) -> bool:
        nonlocal loads
        loads += 1
        if loads == 1:
            await asyncio.Event().wait()
        return True

    async with watching(files, first_blocks):
        files.change("a.py")
        await eventually_async(lambda: loads == 1, "the first reload runs")
        files.change("b.py")
        await eventually_async(lambda: "a.py, b.py changed. Reloaded in" in caplog.text, "reload")


@pytest.mark.parametrize(
    "error",
    [AppError(Problem("host.json", "The file is invalid.", code="EH140")), ValueError("a defect")],
)
async def test_a_failed_reload_is_logged_and_the_next_one_runs(
    files: Files, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    errors = [error]

    def read() -> App:
        if errors:
            raise errors.pop()
        return read_app(files.root, {})

    failures: list[str] = []
    async with watching(files, accepted, read, failures):
        files.change("a.py")
        await eventually_async(lambda: f"[EH305]: {error}" in caplog.text, "error")
        files.change("b.py")
        await eventually_async(lambda: "b.py changed. Reloaded in" in caplog.text, "reload")
    assert "a.py, b.py" not in caplog.text
    assert "a.py changed, but the reload failed. The host still runs the previous code." in (
        caplog.text
    )
    (failure,) = failures
    assert str(error) in failure


async def test_an_app_that_is_not_loaded_is_not_reported_as_reloaded(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    loaded: list[App] = []

    async def refuse(app: App) -> bool:
        loaded.append(app)
        return False

    async with watching(files, refuse):
        files.change("a.py")
        await eventually_async(lambda: bool(loaded), "the app is loaded")
        await asyncio.sleep(0)
    assert "Reloaded" not in caplog.text


async def test_an_error_of_the_watcher_is_logged(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    warnings: list[str] = []
    async with watching(files, accepted, warnings=warnings) as task:
        files.fail(OSError("no watches are left"))
        await asyncio.wait_for(asyncio.wait([task]), 5)
    assert "Hot reload stopped because of an error (OSError: no watches are left)" in caplog.text
    assert warnings[0].endswith("Restart the host to load further changes. [EH303]")
