"""Which files count for hot reload, and that changes of them are seen."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from watchfiles import Change

from embedded_host import reload
from embedded_host.reload import IGNORED, _counts, _folders, changes, needs_restart
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
def test_files_that_count(path: str) -> None:
    for change in Change:
        assert _counts(change, f"/app/{path}")


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
def test_files_that_do_not(path: str) -> None:
    for change in Change:
        assert not _counts(change, f"/app/{path}")


@pytest.mark.parametrize("folder", sorted(IGNORED))
def test_folders_that_do_not(folder: str) -> None:
    assert not _counts(Change.modified, f"/app/{folder}/x.py")
    assert not _counts(Change.added, f"/app/{folder}/deeper/function.json")


def test_a_new_folder_counts() -> None:
    assert _counts(Change.added, "/app/New")
    assert _counts(Change.deleted, "/app/New")
    assert not _counts(Change.modified, "/app/New")


def test_which_files_need_a_restart(tmp_path: Path) -> None:
    assert needs_restart(tmp_path / "host.json", tmp_path)
    assert needs_restart(tmp_path / "local.settings.json", tmp_path)
    assert not needs_restart(tmp_path / "Hello" / "host.json", tmp_path)
    assert not needs_restart(tmp_path / "function_app.py", tmp_path)


def test_which_folders_are_watched(tmp_path: Path) -> None:
    for folder in ("Hello/deep/deeper", "shared", ".hidden/x", *(f"{name}/x" for name in IGNORED)):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "file").touch()
    expected = {".", "Hello", "Hello/deep", "Hello/deep/deeper", "shared"}
    assert {folder.relative_to(tmp_path).as_posix() for folder in _folders(tmp_path)} == expected


class Seen:
    def __init__(self, root: Path) -> None:
        self.root, self.files, self._tries = root, set[str](), 0

    async def watch(self) -> None:
        async for files in changes(self.root):
            self.files |= {file.relative_to(self.root).as_posix() for file in files}

    async def of(self, *expected: str, make: Callable[[], object]) -> set[str]:
        """What has changed since, once ``expected`` have."""
        self.files.clear()
        make()
        await eventually_async(
            lambda: set(expected) <= self.files, f"changes of {expected} are seen", 10
        )
        return set(self.files)

    async def begun(self) -> None:
        """The first change is written until somebody watches."""

        def look() -> bool:
            self._tries += 1
            (self.root / "first.py").write_text(f"# {self._tries}")
            return "first.py" in self.files

        await eventually_async(look, "files are watched", 10)
        await self.of("last.py", make=lambda: (self.root / "last.py").write_text(""))
        self.files.clear()


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[Seen]:
    root = tmp_path / "app"
    for folder in ("Hello", ".venv"):
        (root / folder).mkdir(parents=True)
    seen = Seen(root)
    watching = asyncio.ensure_future(seen.watch())
    await seen.begun()
    yield seen
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


async def test_changes_are_seen(seen: Seen) -> None:
    def make() -> None:
        (seen.root / "Hello" / "data.txt").write_text("x")
        (seen.root / ".venv" / "ignored.py").write_text("x")
        (seen.root / "Hello" / "__init__.py").write_text("x")
        (seen.root / "host.json").write_text("{}")

    assert await seen.of("Hello/__init__.py", "host.json", make=make) == {
        "Hello/__init__.py",
        "host.json",
    }
    assert await seen.of("host.json", make=(seen.root / "host.json").unlink) == {"host.json"}


async def test_a_new_folder_is_seen_with_what_is_in_it(seen: Seen) -> None:
    def make() -> None:
        (seen.root / "New" / "deep").mkdir(parents=True)
        for file in ("New/__init__.py", "New/function.json", "New/other.txt", "New/deep/module.py"):
            (seen.root / file).write_text("x")

    files = await seen.of("New/__init__.py", "New/function.json", "New/deep/module.py", make=make)
    assert "New/other.txt" not in files


async def test_a_folder_that_was_moved_here(seen: Seen, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "function.json").write_text("{}")
    await seen.of(
        "Moved/function.json", make=lambda: (tmp_path / "elsewhere").rename(seen.root / "Moved")
    )
    await seen.of("Moved/later.py", make=lambda: (seen.root / "Moved" / "later.py").write_text("x"))


# -- with a watch that tells what a test says ----------------------------------------------------------

Told = set[tuple[Change, str]]
Watch = Callable[..., AsyncIterator[Told]]


async def told_of(root: Path) -> AsyncIterator[set[str]]:
    async for files in changes(root):
        yield {file.relative_to(root).as_posix() for file in files}


def use(monkeypatch: pytest.MonkeyPatch, *watches: Watch) -> None:
    """Each for one time that watching begins."""
    left = list(watches)
    monkeypatch.setattr(reload, "awatch", lambda *folders, **options: left.pop(0)(*folders))


async def silent(*folders: Path) -> AsyncIterator[Told]:
    yield set()
    await asyncio.Event().wait()


async def test_changes_before_the_watch_starts_are_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.py").touch()

    async def first(*folders: Path) -> AsyncIterator[Told]:
        (tmp_path / "before.py").touch()  # after the host is ready, and before it watches
        yield set()
        (tmp_path / "New").mkdir()
        (tmp_path / "before.py").write_text(
            "between"
        )  # of which nothing is told, as another watch is to be begun
        (tmp_path / "gone.py").unlink()
        yield {(Change.added, str(tmp_path / "New"))}

    async def second(*folders: Path) -> AsyncIterator[Told]:
        (tmp_path / "New" / "__init__.py").touch()
        yield set()
        yield {(Change.added, str(tmp_path / "later.py"))}

    use(monkeypatch, first, second)
    told = told_of(tmp_path)
    for expected in ({"before.py"}, {"before.py", "gone.py"}, {"New/__init__.py"}, {"later.py"}):
        assert await asyncio.wait_for(anext(told), 5) == expected


async def test_a_folder_that_goes_before_it_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Gone").mkdir()

    async def first(*folders: Path) -> AsyncIterator[Told]:
        (tmp_path / "Gone").rmdir()
        (tmp_path / "x.py").touch()
        if folders:
            raise FileNotFoundError(folders)
        yield set()

    use(monkeypatch, first, silent)
    assert await asyncio.wait_for(anext(told_of(tmp_path)), 5) == {"x.py"}


async def test_an_app_that_is_there_no_more(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await asyncio.wait_for(anext(changes(tmp_path / "none")), 5)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
async def test_files_are_named_below_the_apps_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS the system tells of them by where links lead."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    async def watch(*folders: Path) -> AsyncIterator[Told]:
        yield set()
        yield {(Change.modified, str(tmp_path / "real" / "host.json"))}

    use(monkeypatch, watch)
    assert await asyncio.wait_for(anext(told_of(tmp_path / "link")), 5) == {"host.json"}
