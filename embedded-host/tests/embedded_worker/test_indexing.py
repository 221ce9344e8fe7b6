from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from embedded_worker.indexing import IndexedApp, definition, index_app
from embedded_worker.loading import LoadedFunction, NotServedError

HEAD = "import azure.functions as func\nimport azure.durable_functions as df\napp = df.DFApp()\n"


@pytest.fixture
def root(tmp_path: Path, isolated_imports: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def index(root: Path, code: str, head: str = HEAD) -> IndexedApp:
    (root / "function_app.py").write_text(head + code, encoding="utf-8")
    importlib.invalidate_caches()
    return index_app(root, "function_app.py")


def test_functions_have_their_names_and_bindings(root: Path) -> None:
    indexed = index(
        root, "@app.activity_trigger('value', activity='Echo')\ndef echo(value): return value\n"
    )
    assert indexed.problems == []
    [spec] = indexed.functions
    assert (spec.name, [(b.type, b.direction) for b in spec.bindings]) == (
        "echo",
        [("activityTrigger", "in")],
    )
    assert isinstance(indexed.loaded["echo"], LoadedFunction)


@pytest.mark.parametrize(
    ("code", "head", "text"),
    [
        ("", "x = 1\n", "Could not find top level function app instances in function_app.py."),
        (
            "other = df.DFApp()\n",
            HEAD,
            "More than one DFApp or other top level function app instances are defined.",
        ),
        ("other = app\n", HEAD, "They are the same object."),
        ("raise ValueError('no')\n", HEAD, "no"),
        (
            "class E(Exception):\n    def __str__(self): raise LookupError\nraise E\n",
            HEAD,
            "E: its message cannot be read (LookupError)",
        ),
        ("@app.function_name('a')\ndef f(): ...\n", HEAD, "Function a does not have a trigger"),
    ],
)
def test_a_broken_app_has_one_problem_and_no_functions(
    root: Path, code: str, head: str, text: str
) -> None:
    indexed = index(root, code, head)
    assert indexed.functions == []
    [problem] = indexed.problems
    assert text in problem.text


def test_a_refused_annotation_has_the_position_of_the_parameter_and_a_code(root: Path) -> None:
    code = "@app.route(\n    'x'\n)\ndef bad(\n    req: dict,\n): ...\n"
    indexed = index(root, code)
    [problem] = indexed.problems
    assert problem.text.startswith("cannot load the bad function: ")
    assert "function_app.py line 8: The annotation dict of the parameter 'req'" in problem.text


@pytest.mark.parametrize("annotation", ["int", "'df.DurableOrchestrationClient'", "dict[str, int]"])
def test_the_annotation_of_a_client_has_no_effect(root: Path, annotation: str) -> None:
    code = (
        "@app.route('x')\n@app.durable_client_input(client_name='client')\n"
        f"async def go(req: func.HttpRequest, client: {annotation}): ...\n"
        "@app.orchestration_trigger('context')\ndef flow(context: dict) -> list[str]: yield\n"
    )
    assert index(root, code).problems == []


def test_the_first_of_two_functions_whose_names_differ_in_case_is_served(root: Path) -> None:
    code = "".join(
        f"@app.function_name('{name}')\n@app.activity_trigger('value')\n"
        f"def f{n}(value): return {n}\n"
        for n, name in enumerate(("Same", "same"))
    )
    indexed = index(root, code)
    assert [spec.name for spec in indexed.functions] == ["Same"]
    assert [
        "another function has the name 'same' in another case" in problem.text
        for problem in indexed.problems
    ] == [True]


def test_one_invalid_function_removes_all_functions(root: Path) -> None:
    good = "@app.activity_trigger('value')\ndef good(value): return value\n"
    bad = "@app.activity_trigger('value')\ndef bad(): ...\n"
    indexed = index(root, good + bad)
    assert indexed.functions == []
    assert indexed.loaded == {}
    [problem] = indexed.problems
    assert problem.function is None
    assert "function_app.py line" in problem.text
    assert "bad" in problem.text


def test_a_function_that_only_this_host_cannot_run_does_not_remove_the_others(root: Path) -> None:
    good = "@app.activity_trigger('value')\ndef good(value): return value\n"
    bad = "@app.orchestration_trigger('context')\nasync def bad(context): ...\n"
    indexed = index(root, good + bad)
    assert [spec.name for spec in indexed.functions] == ["good", "bad"]
    [problem] = indexed.problems
    assert problem.function == "bad"
    assert isinstance(indexed.loaded["bad"], NotServedError)


def test_two_functions_with_the_same_name_remove_all_functions(root: Path) -> None:
    code = "@app.activity_trigger('value')\ndef same(value): return value\n"
    indexed = index(root, code + code)
    assert indexed.functions == []
    [problem] = indexed.problems
    assert "Function same does not have a unique function name." in problem.text


@pytest.mark.parametrize("name", ["other", "a/other.py", "a.b.py", ".py", "-a.py"])
def test_a_script_name_that_is_not_valid_is_refused(root: Path, name: str) -> None:
    indexed = index_app(root, name)
    [problem] = indexed.problems
    assert f"InvalidFileNameError: Invalid file name: {name}" in problem.text


def test_a_script_with_the_name_of_another_module_is_reported(root: Path) -> None:
    (root / "colorsys.py").write_text(HEAD, encoding="utf-8")
    sys.path.remove(str(root))
    sys.path.append(str(root))
    [problem] = index_app(root, "colorsys.py").problems
    assert "Could not find top level function app instances in colorsys.py." in problem.text
    assert "Rename colorsys.py" in problem.text


def test_an_import_that_exits_is_a_finding(root: Path) -> None:
    indexed = index(root, "import sys\nsys.exit(3)\n", "")
    assert "it calls sys.exit(3)" in indexed.problems[0].text
    assert [(f.code, f.file, f.line) for f in indexed.findings] == [("EH832", "function_app.py", 2)]


def test_a_function_of_the_app_has_the_file_and_line_of_its_definition(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path_factory.mktemp("library")
    monkeypatch.syspath_prepend(library)
    own, code = "\n@bp.route('x')\ndef inner(req): ...\n", "@bp.route('y')\ndef outer(req): ...\n"
    blueprint = "import azure.functions as func\nbp = func.Blueprint()\n"
    (root / "own_part.py").write_text(blueprint + own, encoding="utf-8")
    (library / "library_part.py").write_text(blueprint + code, encoding="utf-8")
    indexed = index(
        root,
        "import own_part, library_part\n"
        "app.register_functions(own_part.bp)\napp.register_functions(library_part.bp)\n"
        "@app.orchestration_trigger('context')\ndef chain(context):\n    yield\n",
    )
    assert indexed.problems == []
    assert {spec.name: (spec.code_file, spec.line) for spec in indexed.functions} == {
        "inner": ("own_part.py", 4),
        "outer": ("", 0),
        "chain": ("function_app.py", 7),
    }


def test_a_class_has_its_line_if_python_records_it() -> None:
    class Counter:
        __firstlineno__ = 12

    class Old:
        __firstlineno__ = 0

    assert definition(Counter) == (__file__, 12)
    assert definition(Old) == ("", 0)


def test_a_function_has_its_retry_policy_and_the_folder_of_its_file(root: Path) -> None:
    (root / "parts").mkdir()
    (root / "parts" / "other.py").write_text(
        "import azure.functions as func\nblueprint = func.Blueprint()\n"
        "@blueprint.timer_trigger('timer', '0 0 0 1 1 *')\n"
        "@blueprint.retry('fixed_delay', '2', '00:00:01')\ndef tick(timer): ...\n",
        encoding="utf-8",
    )
    code = "from parts.other import blueprint\napp.register_functions(blueprint)\n"
    (spec,) = index(root, code).functions
    assert spec.directory == str(root / "parts")
    assert spec.retry == {
        "strategy": "fixedDelay",
        "maxRetryCount": 2,
        "delayInterval": "00:00:01",
    }


def test_an_unreadable_retry_policy_is_a_problem_with_the_words_of_the_worker(root: Path) -> None:
    code = (
        "@app.timer_trigger('timer', '0 0 0 1 1 *')\n@app.retry('fixed_delay', '2', 'soon')\n"
        "def tick(timer): ...\n"
    )
    (problem,) = index(root, code).problems
    assert "ValueError: time data 'soon' does not match format '%H:%M:%S'" in problem.text
