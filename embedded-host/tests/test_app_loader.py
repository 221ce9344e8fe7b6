"""The load of an app at the start of the host, and reloads that succeed, fail or are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from embedded_host.app.definitions import App
from embedded_host.app.folder import read_app
from embedded_host.app_loader import AppLoader
from embedded_host.store.interface import StateError
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.loaded_app import load_request
from embedded_host.workers.worker import Worker
from embedded_worker.protocol import LoadProblem, LoadRequest, LoadResult
from tests.support.app_folder import AppFolder

BROKEN = LoadResult([LoadProblem(None, "line 7: invalid syntax")])


class LoadingWorker:
    """A worker whose loads have given results."""

    def __init__(self, *results: LoadResult | WorkerLostError) -> None:
        self._results = list(results)

    async def load(self, load: LoadRequest) -> LoadResult:
        """Return or raise the next result."""
        result = self._results.pop(0)
        if isinstance(result, WorkerLostError):
            raise result
        return result

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Return or raise the next result."""
        return await self.load(load)


@pytest.fixture
def app(tmp_path: Path) -> App:
    folder = AppFolder(tmp_path)
    folder.activity("Echo", "return value")
    return read_app(folder.root, {})


def loader(*results: LoadResult | WorkerLostError) -> AppLoader:
    return AppLoader(
        cast(Worker, LoadingWorker(*results)),
        {},
        lambda app: load_request(app, {}, "http://127.0.0.1:1"),
        str,
        strict=False,
    )


async def test_changed_code_replaces_the_app(app: App) -> None:
    loads = loader(LoadResult([]), LoadResult([]))
    current = await loads.load(app)
    assert [function.name for function in current.loaded.app.functions] == ["Echo"]
    before = current.loaded
    assert await loads.reload(app)
    assert current.loaded is not before
    assert current.reloads == 1


@pytest.mark.parametrize(
    ("result", "code"), [(BROKEN, "[EH310]"), (WorkerLostError("exit code 3"), "[EH301]")]
)
async def test_the_previous_code_remains_if_the_changed_code_does_not_load(
    app: App, result: LoadResult | WorkerLostError, code: str
) -> None:
    loads = loader(LoadResult([]), result)
    current = await loads.load(app)
    before = current.loaded
    assert not await loads.reload(app)
    assert current.loaded is before
    assert current.failed_reload is not None
    assert code in current.failed_reload.problems[0]


async def test_an_import_that_ends_the_worker_puts_the_host_in_error_until_a_reload(
    app: App,
) -> None:
    loads = loader(WorkerLostError("exit code 3", exit_code=3), LoadResult([]))
    current = await loads.load(app)
    assert current.loaded.app.functions == ()
    assert "exit code 3" in loads.host_errors()[0]
    assert await loads.reload(app)
    assert loads.host_errors() == ()


async def test_a_worker_that_is_lost_otherwise_is_an_error(app: App) -> None:
    with pytest.raises(StateError, match="EH203"):
        await loader(WorkerLostError("it did not connect")).load(app)


async def test_files_that_are_not_a_valid_app_are_a_failed_reload(app: App) -> None:
    loads = loader(LoadResult([]))
    current = await loads.load(app)
    loads.reload_failed("host.json is not valid")
    assert current.failed_reload is not None
    assert current.failed_reload.problems == ["host.json is not valid"]
