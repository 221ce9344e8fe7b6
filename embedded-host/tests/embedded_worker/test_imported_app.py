"""The import of an app: its functions, problems and findings."""

from __future__ import annotations

import pytest

from embedded_worker.runner import Runner
from tests.support.app_folder import (
    HTTP_OUT,
    AppFolder,
    activity_trigger,
    http_trigger,
)
from tests.support.worker_calls import load_of


@pytest.mark.parametrize(
    ("script", "is_hidden"),
    [
        ("import azure.functions as func\napp = func.FunctionApp()\n", False),
        ("", True),
        ("import azure.functions as func\n", True),
        ("1 / 0\n", True),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.route('a')\ndef a(req): ...\n",
            True,
        ),
    ],
    ids=["app without functions", "empty", "no app", "error", "functions"],
)
def test_only_an_app_object_without_functions_leaves_the_folders_to_be_loaded(
    app: AppFolder, script: str, is_hidden: bool
) -> None:
    app.activity("Echo", "return value")
    app.write("function_app.py", script)
    runner = Runner()
    result = runner.load(load_of(app)._replace(v2_script="function_app.py"))
    assert ("Echo" not in runner.functions) == is_hidden
    assert (not result.problems and not result.functions) == (not is_hidden)


def test_the_load_result_has_the_findings_of_signatures(app: AppFolder) -> None:
    app.function("Fails", "def main(req: str): ...", http_trigger(), HTTP_OUT)
    app.function("Refused", "def main(value, more=1): ...", activity_trigger())
    result = Runner().load(load_of(app))
    assert [problem.function for problem in result.problems] == ["Refused"]
    assert [(f.code, f.function, f.file, f.line) for f in result.findings] == [
        ("EH817", "Fails", "Fails/__init__.py", 1),
        ("EH814", "Refused", "Refused/__init__.py", 1),
    ]


@pytest.mark.parametrize(
    ("trigger", "output", "code", "refusal"),
    [
        (
            "httptrigger",
            "http",
            "def main(req: func.HttpRequest): ...",
            'binding in function.json "httptrigger"',
        ),
        ("httpTrigger", "Http", "def main(req) -> func.HttpResponse: ...", 'binding type "Http"'),
    ],
)
def test_an_annotation_does_not_match_a_type_in_another_case(
    app: AppFolder, trigger: str, output: str, code: str, refusal: str
) -> None:
    bindings = {**http_trigger(), "type": trigger}, {**HTTP_OUT, "type": output}
    app.function("Web", f"import azure.functions as func\n{code}", *bindings)
    loaded = Runner().load(load_of(app))
    (problem,) = loaded.problems
    assert refusal in problem.text
    assert [(finding.code, finding.function) for finding in loaded.findings] == [("EH819", "Web")]
