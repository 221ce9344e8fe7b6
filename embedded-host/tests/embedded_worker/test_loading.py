"""Imports of user code, and the messages for code that cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from embedded_worker.framing import encode
from embedded_worker.import_path import prepare_imports
from embedded_worker.loading import LoadedFunction, LoadError, load_function
from embedded_worker.protocol import LoadProblem, LoadResult
from tests.support.app_folder import (
    CLIENT,
    HTTP_OUT,
    AppFolder,
    activity_trigger,
    http_trigger,
    orchestration_trigger,
)
from tests.support.worker_calls import spec


def load(app: AppFolder, name: str = "Hello") -> LoadedFunction:
    prepare_imports(app.root)
    return load_function(app.root, spec(app, name))


def refused(app: AppFolder, name: str = "Hello") -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(app, name)
    assert "embedded_host" not in caught.value.stack
    return caught.value


# -- valid functions -------------------------------------------------------------------------------


def test_sync_and_async_functions_are_loaded(app: AppFolder) -> None:
    app.function("Sync", "def main(value): return 'sync ' + value", activity_trigger())
    app.function("Async", "async def main(value): return value", activity_trigger())
    sync = load(app, "Sync")
    assert not sync.is_async
    assert sync.call("x") == "sync x"
    assert sync.trigger.type == "activityTrigger"
    assert load(app, "Async").is_async


def test_parameters_are_assigned_to_their_bindings(app: AppFolder) -> None:
    res = {"name": "res", "type": "http", "direction": "out"}
    code = (
        "import azure.functions as func\n"
        "def main(req: func.HttpRequest, starter: str, res: func.Out[str], context): pass"
    )
    app.function("Hello", code, http_trigger(), CLIENT, res)
    function = load(app)
    assert function.clients == ("starter",)
    assert function.outs == {"res": "http"}
    assert function.return_type is None
    assert function.wants_context


def test_a_binding_named_context_replaces_the_invocation_context(app: AppFolder) -> None:
    app.orchestrator("Hello", "yield")
    assert not load(app).wants_context


@pytest.mark.parametrize(
    ("parameters", "unbound"),
    [
        ("value, starter, extra=3", "{'extra'}"),
        ("value, starter, **others", "{'others'}"),
        ("value, starter, *others, extra=3", "{'extra', 'others'}"),
    ],
)
def test_each_parameter_needs_a_binding(app: AppFolder, parameters: str, unbound: str) -> None:
    app.function("Hello", f"def main({parameters}): pass", activity_trigger(), CLIENT)
    text = str(refused(app))
    assert (
        "cannot load the Hello function: the following parameters are declared in Python but not "
        f"in function.json: {unbound}. Hello/__init__.py line 1: " in text
    )
    assert "Parameters with default values, *args and **kwargs need a binding too." in text


@pytest.mark.parametrize(
    "line",
    ["from ..shared import words", "from __app__.shared import words", "from shared import words"],
)
def test_shared_code_can_be_imported_in_three_ways(app: AppFolder, line: str) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/words.py", "GREETING = 'hello'")
    app.function("Hello", f"{line}\ndef main(value): return words.GREETING", activity_trigger())
    assert load(app).call("x") == "hello"


def test_a_folder_without_init_can_be_shared(app: AppFolder) -> None:
    app.write("no_init/words.py", "GREETING = 'hello'")
    app.function(
        "Hello",
        "from no_init.words import GREETING\ndef main(value): return GREETING",
        activity_trigger(),
    )
    assert load(app).call("x") == "hello"


def test_a_function_imports_a_module_of_its_folder(app: AppFolder) -> None:
    app.write("Hello/words.py", "GREETING = 'hello'")
    app.function(
        "Hello", "from .words import GREETING\ndef main(value): return GREETING", activity_trigger()
    )
    assert load(app).call("x") == "hello"


def test_script_file_and_entry_point_select_the_function(app: AppFolder) -> None:
    app.function(
        "Hello",
        "def greet(value): return 'hi'",
        activity_trigger(),
        script="run.py",
        entryPoint="greet",
    )
    assert load(app).call("x") == "hi"


def test_an_annotation_that_cannot_be_resolved_is_refused(app: AppFolder) -> None:
    code = (
        "from __future__ import annotations\n"
        "def main(\n    value: NoSuchType,\n) -> str: return value"
    )
    app.function("Hello", code, activity_trigger())
    error = refused(app)
    assert str(error).startswith(
        "NameError: name 'NoSuchType' is not defined. Hello/__init__.py line 3: The annotation "
        "NoSuchType of the parameter 'value' of 'main' cannot be evaluated."
    )
    assert error.finding is not None
    assert error.finding[:2] == ("EH815", "Hello")
    assert error.finding[3:5] == ("Hello/__init__.py", 3)


@pytest.mark.parametrize("annotation", ["func.HttpRequest", "'func.HttpRequest'"])
def test_the_expected_annotation_is_accepted(app: AppFolder, annotation: str) -> None:
    app.function(
        "Hello",
        f"import azure.functions as func\ndef main(req: {annotation}) -> str: ...",
        http_trigger(),
        HTTP_OUT,
    )
    assert load(app).return_type == "http"


def test_installed_packages_precede_modules_of_the_app(app: AppFolder) -> None:
    app.write("colorsys.py", "HERE = True")
    code = "import colorsys\ndef main(value): return hasattr(colorsys, 'HERE')"
    app.function("Hello", code, activity_trigger())
    assert load(app).call(1) is False
    assert sys.path[-1] == str(app.root)


def test_a_function_folder_may_have_the_name_of_a_module(app: AppFolder) -> None:
    code = "import statistics\ndef main(value): return statistics.mean(value), __name__"
    app.function("statistics", code, activity_trigger())
    assert load(app, "statistics").call([1, 3]) == (2, "__app__.statistics")


# -- imports that fail -----------------------------------------------------------------------------


def test_a_missing_module_is_reported_with_the_users_line(app: AppFolder) -> None:
    app.function(
        "Hello", "import os\nimport no_such_thing\ndef main(value): ...", activity_trigger()
    )
    text = str(refused(app))
    assert "Hello/__init__.py line 2: import no_such_thing" in text
    assert "ModuleNotFoundError: No module named 'no_such_thing'. Cannot find module." in text
    assert "Add it to requirements.txt" in text
    # The message is sent in HTTP responses. The path of the interpreter is only logged.
    assert sys.executable not in text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("import durabletask", "ModuleNotFoundError"),
        (
            "from azure.durable_functions import RetryPolicy",
            "cannot import name 'RetryPolicy' from 'azure.durable_functions'",
        ),
        (
            "import azure.durable_functions as df; df.DurableFunctionsClient",
            "has no attribute 'DurableFunctionsClient'",
        ),
    ],
)
def test_code_for_sdk_2_is_reported_with_the_requirements(
    app: AppFolder, monkeypatch: pytest.MonkeyPatch, line: str, reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "durabletask", None)
    app.function("Hello", f"{line}\ndef main(value): ...", activity_trigger())
    text = str(refused(app))
    assert f"Hello/__init__.py line 1: {line}" in text
    assert reason in text
    assert "The code needs azure-functions-durable 2.x, but the app's environment has 1.x." in text
    assert "azure-functions>=2.3.0b2 and azure-functions-durable>=2.0.0rc3 in requirements" in text


def test_an_unknown_name_of_the_sdk_is_not_a_name_of_sdk_2(app: AppFolder) -> None:
    code = "from azure.durable_functions import Retry\ndef main(value): ..."
    app.function("Hello", code, activity_trigger())
    text = str(refused(app))
    assert "cannot import name 'Retry'" in text
    assert "2.x" not in text


def test_a_failed_import_inside_a_module_names_that_module(app: AppFolder) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/words.py", "import json\n\nfrom json import no_such_name\n")
    app.function("Hello", "from shared import words\ndef main(value): ...", activity_trigger())
    error = refused(app)
    assert (
        "Hello/__init__.py cannot be imported: shared/words.py line 3: "
        "from json import no_such_name" in str(error)
    )
    assert "cannot import name 'no_such_name'" in str(error)
    frames = [line for line in error.stack.splitlines() if line.startswith("  File ")]
    assert "Hello" in frames[0]
    assert "words.py" in frames[1]


def test_an_installed_module_whose_own_import_fails_shows_the_users_line(
    app: AppFolder, tmp_path: Path
) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "half_installed.py").write_text("import its_missing_dependency")
    sys.path.append(str(installed))
    app.function("Hello", "import half_installed\ndef main(value): ...", activity_trigger())
    text = str(refused(app))
    assert "Hello/__init__.py line 1: import half_installed" in text
    assert "No module named 'its_missing_dependency'" in text


def test_a_missing_module_of_an_app_folder_is_named(app: AppFolder) -> None:
    app.write("shared/__init__.py", "")
    app.function("Hello", "import shared.wrods\ndef main(value): ...", activity_trigger())
    assert "shared is a folder of the app, but it has no such module" in str(refused(app))


@pytest.mark.parametrize(
    "line", ["from ..shared.wrods import x", "from __app__.shared.wrods import x"]
)
def test_a_missing_module_below_the_apps_package_is_named_as_in_the_app(
    app: AppFolder, line: str
) -> None:
    app.write("shared/__init__.py", "")
    app.function("Hello", f"{line}\ndef main(value): ...", activity_trigger())
    text = str(refused(app))
    assert "No module named '__app__.shared.wrods'" in text
    assert "Add it to requirements.txt" not in text


def test_a_missing_folder_below_the_apps_package_is_named(app: AppFolder) -> None:
    app.function("Hello", "from ..sahred.words import x\ndef main(value): ...", activity_trigger())
    text = str(refused(app))
    assert "No module named '__app__.sahred'" in text
    assert "The app has no such folder or file." in text


def test_a_module_of_the_functions_folder_is_not_on_the_path(app: AppFolder) -> None:
    app.write("Hello/words.py", "")
    app.function("Hello", "import words\ndef main(value): ...", activity_trigger())
    text = str(refused(app))
    assert "No module named 'words'" in text
    assert "Write 'from . import words'." in text


def test_a_folder_that_another_module_hides_is_named(app: AppFolder) -> None:
    app.write("colorsys/words.py", "")
    app.function("Hello", "import colorsys.words\ndef main(value): ...", activity_trigger())
    assert "Rename the folder colorsys of the app." in str(refused(app))


def test_an_import_that_exits_is_a_finding(app: AppFolder) -> None:
    app.function("Hello", "import sys\nsys.exit()\ndef main(value): ...", activity_trigger())
    finding = refused(app).finding
    assert finding is not None
    assert (finding.code, finding.file, finding.line) == ("EH832", "Hello/__init__.py", 2)


def test_a_syntax_error_is_reported_with_its_line(app: AppFolder) -> None:
    app.function("Hello", "import os\n\ndef main(value:\n    pass\n", activity_trigger())
    text = str(refused(app))
    assert "Hello/__init__.py line 3: def main(value:" in text
    assert "SyntaxError: '(' was never closed" in text


def test_a_syntax_error_in_a_shared_module_names_that_module(app: AppFolder) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/words.py", "x = = 1")
    app.function("Hello", "from shared import words\ndef main(value): ...", activity_trigger())
    assert "shared/words.py line 1: x = = 1" in str(refused(app))


def test_an_exception_during_the_import_is_reported_with_its_line(app: AppFolder) -> None:
    app.function(
        "Hello",
        "import os\nKEY = os.environ['NO_SUCH_VARIABLE_HERE']\ndef main(value): ...",
        activity_trigger(),
    )
    text = str(refused(app))
    assert "Hello/__init__.py line 2: KEY = os.environ['NO_SUCH_VARIABLE_HERE']" in text
    assert "KeyError: 'NO_SUCH_VARIABLE_HERE'" in text


def test_sys_exit_during_the_import_is_reported(app: AppFolder) -> None:
    app.function("Hello", "import sys\nsys.exit(3)\n", activity_trigger())
    text = str(refused(app))
    assert "Hello/__init__.py line 2: sys.exit(3)" in text
    assert "it calls sys.exit(3)" in text


def test_a_script_file_outside_of_the_app_is_refused(app: AppFolder) -> None:
    app.function("Hello", "def main(value): ...", activity_trigger())
    outside = spec(app, "Hello")
    outside = type(outside)(
        outside.name,
        outside.directory,
        str(app.root.parent / "x.py"),
        "main",
        list(outside.bindings),
    )
    prepare_imports(app.root)
    with pytest.raises(LoadError, match="outside the app folder"):
        load_function(app.root, outside)


# -- entry points and parameters that do not fit ---------------------------------------------------


def test_a_missing_entry_point_is_reported_with_the_functions_of_the_file(app: AppFolder) -> None:
    app.function("Hello", "from json import dumps\ndef mian(value): ...", activity_trigger())
    text = str(refused(app))
    assert (
        "RuntimeError: cannot load function Hello: function main() is not present in "
        "Hello/__init__.py. It has: mian."
    ) in text
    assert '"entryPoint" in Hello/function.json' in text


def test_an_entry_point_that_is_not_callable_is_refused(app: AppFolder) -> None:
    app.function("Hello", "main = {'a': 1}", activity_trigger())
    assert "The name is a dict and cannot be called" in str(refused(app))


@pytest.mark.skipif(
    sys.version_info >= (3, 15), reason="typing.get_type_hints accepts every object"
)
@pytest.mark.parametrize(
    "code",
    [
        "import functools\nmain = functools.partial(print, 1)",
        "class C:\n    def __call__(self, value): ...\nmain = C()",
    ],
)
def test_a_callable_without_type_hints_is_refused(app: AppFolder, code: str) -> None:
    app.function("Hello", code, activity_trigger())
    assert "is not a module, class, method, or function." in str(refused(app))


def test_a_lambda_is_accepted(app: AppFolder) -> None:
    app.function("Hello", "main = lambda value: value", activity_trigger())
    assert load(app).call(1) == 1


def test_an_entry_point_that_cannot_be_inspected_is_refused(app: AppFolder) -> None:
    app.function(
        "Hello", "def __getattr__(name): raise ValueError('no ' + name)", activity_trigger()
    )
    error = refused(app)
    assert str(error) == "'main' in Hello/__init__.py cannot be inspected: ValueError: no main"
    assert "line 1, in __getattr__" in error.stack


def test_a_message_with_a_lone_surrogate_can_be_sent_to_the_host(app: AppFolder) -> None:
    app.function("Hello", r"raise ValueError('a\ud800b')", activity_trigger())
    error = refused(app)
    assert r"ValueError: a\ud800b" in str(error)
    assert encode(LoadResult([LoadProblem("Hello", str(error), error.stack)]))


def test_parameters_and_bindings_without_a_counterpart_are_named(app: AppFolder) -> None:
    app.function("Hello", "def main(city, context): ...", activity_trigger("name"), CLIENT)
    text = str(refused(app))
    assert "has the parameters (city, context), and Hello has the bindings (name, starter)" in text
    assert "No binding is named 'city'." in text
    assert "No parameter is named 'name' or 'starter'." in text


def test_an_orchestrators_binding_must_be_named_context(app: AppFolder) -> None:
    code = "import azure.durable_functions as df\nmain = df.Orchestrator.create(lambda ctx: 1)"
    app.function("Hello", code, orchestration_trigger("ctx"))
    text = str(refused(app))
    assert "is named 'context'. Name the binding" in text
    assert "Give both" not in text


def test_a_function_without_parameters_is_refused(app: AppFolder) -> None:
    app.function("Hello", "def main(): ...", activity_trigger("name"))
    assert "the parameters (none), and Hello has the bindings (name)" in str(refused(app))


@pytest.mark.parametrize(
    ("binding", "annotation", "expected"),
    [
        (http_trigger(), "int", "func.HttpRequest"),
        (orchestration_trigger("req"), "str", "func.OrchestrationContext"),
    ],
)
def test_an_unsupported_annotation_is_refused(
    app: AppFolder, binding: dict[str, Any], annotation: str, expected: str
) -> None:
    app.function("Hello", f"def main(req: {annotation}): ...", binding)
    error = refused(app)
    assert str(error) == (
        "cannot load the Hello function: type of req binding in function.json "
        f'"{binding["type"]}" does not match its Python annotation "{annotation}". '
        f"Hello/__init__.py line 1: The annotation {annotation} of the parameter 'req' of 'main' "
        f"is not valid for a binding of type {binding['type']}. Write {expected}, or omit the "
        "annotation."
    )
    assert error.code == "EH811"


def test_a_function_of_another_file_has_the_position_of_its_code(app: AppFolder) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/code.py", "\n\ndef main(req: int): ...")
    app.function("Hello", "from ..shared.code import main", http_trigger(), HTTP_OUT)
    error = refused(app)
    assert "shared/code.py line 3: The annotation int" in str(error)
    assert error.finding is not None
    assert error.finding[3:5] == ("shared/code.py", 3)


def test_other_load_errors_have_no_code(app: AppFolder) -> None:
    app.function("Hello", "raise ValueError", http_trigger())
    assert refused(app).code == ""


@pytest.mark.parametrize(("annotation", "codes"), [("str", ["EH817"]), ("func.HttpRequest", [])])
def test_a_request_without_conversion_is_a_finding(
    app: AppFolder, annotation: str, codes: list[str]
) -> None:
    code = f"import azure.functions as func\n\ndef main(req: {annotation}): ..."
    app.function("Hello", code, http_trigger(), HTTP_OUT)
    function = load(app)
    assert [finding.code for finding in function.findings] == codes
    assert function.takes_string == bool(codes)
    assert all(f[3:5] == ("Hello/__init__.py", 3) for f in function.findings)


def test_http_streaming_is_refused_by_name(app: AppFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request of HTTP streaming is a class of FastAPI or Starlette."""
    extension = ModuleType("azurefunctions.extensions.http.fastapi")
    monkeypatch.setitem(sys.modules, extension.__name__, extension)
    app.function(
        "Hello",
        "Request = type('Request', (), {'__module__': 'starlette.requests'})\n"
        "def main(req: Request): ...",
        http_trigger(),
    )
    error = refused(app)
    assert "the annotation Request in the signature of 'main'" in str(error)
    assert "Use func.HttpRequest" in str(error)
    assert error.code == ""
