"""The files that hot reload watches, and the detection of their changes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from watchfiles import Change

from embedded_host import reload
from embedded_host.reload import IGNORED, _folders, _is_relevant, changes, needs_restart
from tests.support.polling import eventually_async


@pytest.mark.parametrize(
    "path",
    [
        "function_app.py",
        "Hello/__init__.py",
        "Hello/function.json",
        "host.json",
        "local.settings.json",
        "a/b/c/d/e.py",
    ],
)
def test_python_and_configuration_files_are_relevant(path: str) -> None:
    for change in Change:
        assert _is_relevant(change, f"/app/{path}")


@pytest.mark.parametrize(
    "path",
    [
        "state.db",
        "data.json",
        "Hello/input.json",
        "README.md",
        "Hello/__init__.pyc",
        "a.py~",
        ".a.py.swp",
        "requirements.txt",
    ],
)
def test_other_files_are_not_relevant(path: str) -> None:
    for change in Change:
        assert not _is_relevant(change, f"/app/{path}")


@pytest.mark.parametrize("folder", sorted(IGNORED))
def test_files_in_ignored_folders_are_not_relevant(folder: str) -> None:
    assert not _is_relevant(Change.modified, f"/app/{folder}/x.py")
    assert not _is_relevant(Change.added, f"/app/{folder}/deeper/function.json")


def test_a_new_or_deleted_folder_is_relevant() -> None:
    assert _is_relevant(Change.added, "/app/New")
    assert _is_relevant(Change.deleted, "/app/New")
    assert not _is_relevant(Change.modified, "/app/New")


def test_host_json_and_local_settings_json_need_a_restart(tmp_path: Path) -> None:
    assert needs_restart(tmp_path / "host.json", tmp_path)
    assert needs_restart(tmp_path / "local.settings.json", tmp_path)
    assert not needs_restart(tmp_path / "Hello" / "host.json", tmp_path)
    assert not needs_restart(tmp_path / "function_app.py", tmp_path)


def test_hidden_and_ignored_folders_are_not_watched(tmp_path: Path) -> None:
    for folder in ("Hello/deep/deeper", "shared", ".hidden/x", *(f"{name}/x" for name in IGNORED)):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "file").touch()
    expected = {".", "Hello", "Hello/deep", "Hello/deep/deeper", "shared"}
    assert {folder.relative_to(tmp_path).as_posix() for folder in _folders(tmp_path)} == expected


class RecordedChanges:
    def __init__(self, root: Path) -> None:
        self.root, self.files, self._tries = root, set[str](), 0

    async def watch(self) -> None:
        async for files in changes(self.root):
            self.files |= {file.relative_to(self.root).as_posix() for file in files}

    async def of(self, *expected: str, make: Callable[[], object]) -> set[str]:
        """Call ``make`` and return the changed files, once ``expected`` are among them."""
        self.files.clear()
        make()
        await eventually_async(
            lambda: set(expected) <= self.files, f"changes of {expected} are reported", 10
        )
        return set(self.files)

    async def until_watching(self) -> None:
        """Write a file again until the watcher reports it."""

        def write_again() -> bool:
            self._tries += 1
            (self.root / "first.py").write_text(f"# {self._tries}")
            return "first.py" in self.files

        await eventually_async(write_again, "files are watched", 10)
        await self.of("last.py", make=lambda: (self.root / "last.py").write_text(""))
        self.files.clear()


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[RecordedChanges]:
    root = tmp_path / "app"
    for folder in ("Hello", ".venv"):
        (root / folder).mkdir(parents=True)
    recorded = RecordedChanges(root)
    watching = asyncio.ensure_future(recorded.watch())
    await recorded.until_watching()
    yield recorded
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


async def test_changes_of_relevant_files_are_reported(recorded: RecordedChanges) -> None:
    def make() -> None:
        (recorded.root / "Hello" / "data.txt").write_text("x")
        (recorded.root / ".venv" / "ignored.py").write_text("x")
        (recorded.root / "Hello" / "__init__.py").write_text("x")
        (recorded.root / "host.json").write_text("{}")

    assert await recorded.of("Hello/__init__.py", "host.json", make=make) == {
        "Hello/__init__.py",
        "host.json",
    }
    assert await recorded.of("host.json", make=(recorded.root / "host.json").unlink) == {
        "host.json"
    }


async def test_the_relevant_files_of_a_new_folder_are_reported(recorded: RecordedChanges) -> None:
    def make() -> None:
        (recorded.root / "New" / "deep").mkdir(parents=True)
        for file in ("New/__init__.py", "New/function.json", "New/other.txt", "New/deep/module.py"):
            (recorded.root / file).write_text("x")

    files = await recorded.of(
        "New/__init__.py", "New/function.json", "New/deep/module.py", make=make
    )
    assert "New/other.txt" not in files


async def test_the_relevant_files_of_a_moved_folder_are_reported(
    recorded: RecordedChanges, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "function.json").write_text("{}")
    await recorded.of(
        "Moved/function.json", make=lambda: (tmp_path / "elsewhere").rename(recorded.root / "Moved")
    )
    await recorded.of(
        "Moved/later.py", make=lambda: (recorded.root / "Moved" / "later.py").write_text("x")
    )


# -- with a scripted watch -------------------------------------------------------------------------

Reported = set[tuple[Change, str]]
Watch = Callable[..., AsyncIterator[Reported]]


async def reported_by(root: Path) -> AsyncIterator[set[str]]:
    async for files in changes(root):
        yield {file.relative_to(root).as_posix() for file in files}


def use(monkeypatch: pytest.MonkeyPatch, *watches: Watch) -> None:
    """Replace the watcher: each start uses the next one of ``watches``."""
    remaining = list(watches)
    monkeypatch.setattr(reload, "awatch", lambda *folders, **options: remaining.pop(0)(*folders))


async def silent(*folders: Path) -> AsyncIterator[Reported]:
    yield set()
    await asyncio.Event().wait()


async def test_changes_before_the_watch_starts_are_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.py").touch()

    async def first(*folders: Path) -> AsyncIterator[Reported]:
        (tmp_path / "before.py").touch()  # before the watch starts
        yield set()
        (tmp_path / "New").mkdir()
        # Not reported, because the new folder makes the host start another watch.
        (tmp_path / "before.py").write_text("between")
        (tmp_path / "gone.py").unlink()
        yield {(Change.added, str(tmp_path / "New"))}

    async def second(*folders: Path) -> AsyncIterator[Reported]:
        (tmp_path / "New" / "__init__.py").touch()
        yield set()
        yield {(Change.added, str(tmp_path / "later.py"))}

    use(monkeypatch, first, second)
    reported = reported_by(tmp_path)
    for expected in ({"before.py"}, {"before.py", "gone.py"}, {"New/__init__.py"}, {"later.py"}):
        assert await asyncio.wait_for(anext(reported), 5) == expected


async def test_a_folder_may_be_deleted_before_it_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Gone").mkdir()

    async def first(*folders: Path) -> AsyncIterator[Reported]:
        (tmp_path / "Gone").rmdir()
        (tmp_path / "x.py").touch()
        if folders:
            raise FileNotFoundError(folders)
        yield set()

    use(monkeypatch, first, silent)
    assert await asyncio.wait_for(anext(reported_by(tmp_path)), 5) == {"x.py"}


async def test_a_missing_app_folder_raises_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await asyncio.wait_for(anext(changes(tmp_path / "none")), 5)


@pytest.mark.skipif(os.name == "nt", reason="links need permissions on Windows")
async def test_reported_paths_are_below_the_app_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system call of macOS reports paths with resolved links."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    async def watch(*folders: Path) -> AsyncIterator[Reported]:
        yield set()
        yield {(Change.modified, str(tmp_path / "real" / "host.json"))}

    use(monkeypatch, watch)
    assert await asyncio.wait_for(anext(reported_by(tmp_path / "link")), 5) == {"host.json"}
