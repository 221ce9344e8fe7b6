"""The position and the fix of refused signatures."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_worker.annotation_advice import (
    advice,
    read_definition,
    replacement,
    string_request_advice,
)
from embedded_worker.annotations import RefusedSignatureError, check_signature
from embedded_worker.protocol import BindingSpec, FunctionSpec

ACTIVITY = BindingSpec("activityTrigger", "x")
HTTP = BindingSpec("httpTrigger", "req")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "advised.py"
    sys.modules.pop("advised", None)


def load(module: Path, code: str) -> Any:
    import importlib

    module.write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    return importlib.import_module("advised").main


def advised(module: Path, code: str, *bindings: BindingSpec) -> tuple[str, int]:
    call = load(module, code)
    spec = FunctionSpec("Hello", "/app", "/app/x.py", "main", list(bindings))
    with pytest.raises(RefusedSignatureError) as caught:
        check_signature(call, spec)
    return advice(caught.value, call, spec)


def test_the_definition_has_the_lines_and_texts_of_annotations(module: Path) -> None:
    definition = read_definition(
        load(
            module,
            "def same(f): return f\n@same\nasync def main(\n    a,\n    *b: int,\n"
            "    c: 'dict[str, int]',\n    **d,\n) -> None: ...\n",
        )
    )
    assert definition.line == 3
    assert definition.lines == {"a": 4, "b": 5, "c": 6, "d": 7, "return": 8}
    assert definition.annotations == {"b": "int", "c": "'dict[str, int]'", "return": "None"}


def test_a_definition_without_source_has_no_lines() -> None:
    assert read_definition(print).line == 0
    namespace: dict[str, Any] = {}
    exec("\n\ndef main(x): ...", namespace)
    assert read_definition(namespace["main"]).line == 3


def test_a_lambda_has_its_line(module: Path) -> None:
    definition = read_definition(load(module, "\nmain = lambda x: 1\n"))
    assert (definition.line, definition.lines) == (2, {})


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Dict[str, int]", "dict or typing.Dict[str, int]"),
        ("Optional[dict]", "dict"),
        ("Optional[Dict[str, int]]", "typing.Dict[str, int]"),
        ("Union[str, dict]", "object"),
        ("TypeVar('T')", "object"),
        ("Callable", "object"),
        ("dict[str, int]", "dict or typing.Dict[str, int]"),
        ("list[dict]", "list or typing.List[dict]"),
        ("set[int]", "set or typing.Set[int]"),
        ("tuple[int, str]", "tuple"),
    ],
)
def test_the_replacement_is_similar_to_the_annotation(annotation: str, expected: str) -> None:
    assert replacement(eval(annotation, vars(typing)), ACTIVITY) == expected


@pytest.mark.skipif(sys.version_info < (3, 11), reason="dict[str, int] is valid there")
def test_the_replacement_of_an_optional_builtin_generic_is_valid(module: Path) -> None:
    text, line = advised(module, "\ndef main(x: 'dict[str, int]'): ...", ACTIVITY)
    assert (text, line) == (
        "The annotation 'dict[str, int]' of the parameter 'x' of 'main' is not valid for a binding "
        "of type activityTrigger. Write dict or typing.Dict[str, int], or omit the annotation.",
        2,
    )
    optional = eval("Optional[dict[str, int]]", vars(typing))
    assert replacement(optional, ACTIVITY) == "dict or typing.Dict[str, int]"


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        (HTTP, "func.HttpRequest"),
        (BindingSpec("timerTrigger", "t"), "func.TimerRequest"),
        (BindingSpec("durableClient", "c"), "str"),
        (BindingSpec("http", "res", "out"), "func.Out[func.HttpResponse]"),
        (BindingSpec("queue", "q", "out"), "func.Out[str]"),
        (BindingSpec("carrierPigeon", "x"), ""),
    ],
)
def test_other_bindings_have_their_own_annotation(binding: BindingSpec, expected: str) -> None:
    assert replacement(dict, binding) == expected


@pytest.mark.parametrize(
    ("code", "bindings", "expected"),
    [
        (
            "def main(req) -> None: ...",
            [HTTP, BindingSpec("http", "$return", "out")],
            "The return annotation None of 'main' is not valid for the binding $return of type "
            "http. Write func.HttpResponse or str, or omit the annotation.",
        ),
        (
            "def main(x, context: int): ...",
            [ACTIVITY],
            "The annotation int of the parameter 'context' of 'main' must be a class named "
            "Context. Write func.Context, or omit the annotation.",
        ),
        (
            "def main(x, y=1): ...",
            [ACTIVITY],
            "'main' has the parameters (x, y), and Hello has the bindings (x). No binding is named "
            "'y'. Remove the parameter. Parameters with default values, *args and **kwargs need a "
            "binding too.",
        ),
        (
            "def main(x: 'list[Missing]'): ...",
            [ACTIVITY],
            "The annotation 'list[Missing]' of the parameter 'x' of 'main' cannot be evaluated. "
            "Import the name at the top level of the module, and not only if TYPE_CHECKING is "
            "true, or omit the annotation.",
        ),
        (
            "def main(x: '1 +'): ...",
            [ACTIVITY],
            "An annotation of 'main' cannot be evaluated. Correct it, or omit it.",
        ),
        (
            "def main(req, res: str): ...",
            [HTTP, BindingSpec("http", "res", "out")],
            "The parameter 'res' of 'main' is an output, so annotate it with "
            "func.Out[func.HttpResponse].",
        ),
        (
            "import azure.functions as func\ndef main(req: func.Out[str]): ...",
            [HTTP],
            "The parameter 'req' of 'main' is an input, so remove func.Out from its annotation, or "
            "change the direction of the binding 'req' of Hello.",
        ),
        (
            "def main(req, q): ...",
            [HTTP, BindingSpec("queue", "q", "inout")],
            'Write "direction": "in" or "out" for the binding \'q\' of Hello.',
        ),
        (
            "def main(req): ...",
            [HTTP, BindingSpec("http", "$return", "in")],
            'Write "direction": "out" for the binding $return of Hello.',
        ),
        pytest.param(
            "import functools\nmain = functools.partial(lambda x: x)",
            [ACTIVITY],
            "'main' is an object of the class partial. Write a function that calls it.",
            marks=pytest.mark.skipif(sys.version_info >= (3, 14), reason="it is valid there"),
        ),
    ],
)
def test_each_problem_has_a_fix(
    module: Path, code: str, bindings: list[BindingSpec], expected: str
) -> None:
    assert advised(module, code, *bindings)[0] == expected


def test_the_handle_of_an_orchestrator_needs_the_binding_context(module: Path) -> None:
    code = "import azure.durable_functions as df\nmain = df.Orchestrator.create(lambda c: 1)"
    text, _ = advised(module, code, BindingSpec("orchestrationTrigger", "ctx"))
    assert "is named 'context'. Name the binding 'context' too" in text


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Python 3.11 does not change annotations")
def test_a_default_of_none_is_named(module: Path) -> None:
    text, _ = advised(module, "def main(x: dict = None): ...", ACTIVITY)
    assert "to Optional, because its default is None. Omit the default or the annotation" in text


def test_a_request_annotated_with_str_has_a_fix(module: Path) -> None:
    call = load(module, "\n\ndef main(req: str): ...")
    spec = FunctionSpec("Hello", "/app", "/app/x.py", "main", [HTTP])
    text, line = string_request_advice(call, spec, "req")
    assert text.startswith("The parameter 'req' of 'main', annotated with str, receives")
    assert line == 3
