"""Warnings about functions that call the coroutines of a durable client without await."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded_worker.client_lint import client_problems
from embedded_worker.import_path import prepare_imports
from embedded_worker.indexing import index_app
from embedded_worker.loading import LoadedFunction, load_function
from embedded_worker.protocol import BindingSpec, FunctionSpec

Problems = Callable[[str], list[str]]
HEAD = "import azure.functions as func\nimport azure.durable_functions as df\n"


@pytest.fixture
def root(tmp_path: Path, isolated_imports: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def v2(root: Path) -> Problems:
    """Return a function that writes an app with a client function, and returns its warnings."""

    def problems(definition: str) -> list[str]:
        code = f"{HEAD}app = df.DFApp()\n@app.route('x')\n@app.durable_client_input('client')\n"
        (root / "function_app.py").write_text(code + definition, encoding="utf-8")
        importlib.invalidate_caches()
        function = index_app(root, "function_app.py").loaded["start"]
        assert isinstance(function, LoadedFunction)
        return list(client_problems(function, root))

    return problems


@pytest.fixture
def v1(root: Path) -> Problems:
    """Return a function that writes a function folder, and returns the warnings."""

    def problems(body: str) -> list[str]:
        file = root / "Start" / "__init__.py"
        file.parent.mkdir()
        prepare_imports(root)
        file.write_text(f"import asyncio\n{HEAD}def main(req, starter):\n{body}", encoding="utf-8")
        bindings = [
            BindingSpec("httpTrigger", "req", "in", {"authLevel": "anonymous"}),
            BindingSpec("durableClient", "starter", "in", {}),
            BindingSpec("http", "$return", "out", {}),
        ]
        spec = FunctionSpec("Start", str(file.parent), str(file), "main", bindings)
        return list(client_problems(load_function(root, spec), root))

    return problems


@pytest.mark.parametrize(
    ("definition", "line"),
    [
        (
            "def start(req, client):\n    id = client.start_new('flow')\n"
            "    return client.create_check_status_response(req, id)\n",
            7,
        ),
        (
            "def start(req, client):\n    client.raise_event('i', 'Go')\n    return lost(req)\n",
            7,
        ),
    ],
)
def test_a_coroutine_that_a_def_drops_has_its_line(
    v2: Problems, definition: str, line: int
) -> None:
    (warning,) = v2(definition)
    assert warning.startswith(f"function_app.py line {line}: client.")
    assert "returns a coroutine that never runs, because 'start' is a def." in warning


@pytest.mark.parametrize("result", ["func.HttpResponse('x')", "'x'", "None"])
def test_a_def_with_a_client_cannot_return_a_plain_value(v2: Problems, result: str) -> None:
    (warning,) = v2(f"def start(req, client):\n    return {result}\n")
    assert warning.startswith("function_app.py line 6: 'start' is a def with a durable client.")


@pytest.mark.parametrize(
    "definition",
    [
        "async def start(req, client):\n    id = await client.start_new('flow')\n    return id\n",
        "def start(req, client):\n    return client.start_new('flow')\n",
        "def start(req, client):\n    return other(req, client)\n",
    ],
)
def test_a_function_whose_result_can_be_awaited_has_no_warning(
    v2: Problems, definition: str
) -> None:
    assert v2(definition) == []


def test_a_client_that_a_function_folder_creates_is_known(v1: Problems) -> None:
    (warning,) = v1(
        "    client = df.DurableOrchestrationClient(starter)\n"
        "    id = client.start_new('flow')\n"
        "    return client.create_check_status_response(req, id)\n"
    )
    assert warning.startswith("Start/__init__.py line 6: client.start_new(...) returns a coroutine")


@pytest.mark.parametrize(
    "body",
    [
        "    client = df.DurableOrchestrationClient(starter)\n"
        "    call = client.start_new('flow')\n    return asyncio.run(call)\n",
        "    return func.HttpResponse(starter)\n",
    ],
)
def test_a_function_folder_that_runs_the_coroutine_has_no_warning(v1: Problems, body: str) -> None:
    assert v1(body) == []
