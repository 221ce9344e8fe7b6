"""The parameters and annotations that the Azure Functions host's Python worker accepts.

The expected results of Python 3.11 are recorded. Those of the other versions follow from the source
code of the worker and of azure-functions-runtime.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from embedded_worker.annotations import (
    RefusedSignatureError,
    Signature,
    StreamingAnnotationError,
    check_signature,
    has_implicit_output,
    is_accepted,
)
from embedded_worker.protocol import BindingSpec, FunctionSpec

OLD = sys.version_info < (3, 11)
NEW = sys.version_info >= (3, 13)
OK = ""
MISMATCH = "does not match its Python annotation"
NON_TYPE = "has invalid non-type annotation"
TYPE_ERROR = "TypeError: issubclass() arg 1 must be a class"
UNION = NON_TYPE if NEW else TYPE_ERROR

HEAD = """
import dataclasses
from typing import *
import azure.functions as func
class Own: pass
class Context: pass
Data = dataclasses.make_dataclass("Data", ["x"])
class Fields(TypedDict): x: int
T = TypeVar("T")
Id = NewType("Id", int)
"""
HTTP, TIMER, ACTIVITY = "httpTrigger", "timerTrigger", "activityTrigger"
RESPONSE = BindingSpec("http", "$return", "out")


def function(signature: str, *, future: bool = False) -> Any:
    namespace: dict[str, Any] = {"__name__": "app", "__file__": "app.py"}
    head = "from __future__ import annotations\n" if future else ""
    code = compile(f"{head}{HEAD}def main{signature}: ...\n", "app.py", "exec", dont_inherit=True)
    exec(code, namespace)
    return namespace["main"]


def check(
    signature: str, *bindings: BindingSpec, is_v2: bool = False, future: bool = False
) -> Signature:
    spec = FunctionSpec("Hello", "/app/Hello", "/app/Hello/__init__.py", "main", list(bindings))
    return check_signature(function(signature, future=future), spec, is_v2=is_v2)


def refusal(
    signature: str, *bindings: BindingSpec, is_v2: bool = False, future: bool = False
) -> RefusedSignatureError:
    with pytest.raises(RefusedSignatureError) as caught:
        check(signature, *bindings, is_v2=is_v2, future=future)
    return caught.value


@pytest.mark.parametrize("future", [False, True])
@pytest.mark.parametrize(
    ("annotation", "http", "activity"),
    [
        ("func.HttpRequest", OK, OK),
        ("'func.HttpRequest'", OK, OK),
        ("Annotated[func.HttpRequest, 1]", OK, OK),
        ("str", OK, OK),
        ("bytes", OK, OK),
        ("int", MISMATCH, OK),
        ("dict", MISMATCH, OK),
        ("object", MISMATCH, OK),
        ("None", MISMATCH, OK),
        ("Own", MISMATCH, OK),
        ("Data", MISMATCH, OK),
        ("Fields", MISMATCH, OK),
        ("func.TimerRequest", MISMATCH, OK),
        ("Any", NON_TYPE if OLD else MISMATCH, NON_TYPE if OLD else OK),
        ("'dict'", MISMATCH, OK),
        ("'Missing'", "NameError: name 'Missing' is not defined", "NameError"),
        ("List[str]", TYPE_ERROR, OK),
        ("Dict[str, int]", TYPE_ERROR, OK),
        ("dict[str, int]", TYPE_ERROR if OLD else NON_TYPE, OK if OLD else NON_TYPE),
        ("list[str]", TYPE_ERROR if OLD else NON_TYPE, OK if OLD else NON_TYPE),
        ("T", NON_TYPE, NON_TYPE),
        ("Id", NON_TYPE, NON_TYPE),
        ("Callable[[int], str]", NON_TYPE, NON_TYPE),
        ("Tuple[int, str]", NON_TYPE, NON_TYPE),
        ("Optional[str]", UNION, UNION),
        ("Union[str, dict]", UNION, UNION),
        ("Literal['a']", TYPE_ERROR, OK if NEW else TYPE_ERROR),
        pytest.param(
            "str | None",
            NON_TYPE,
            NON_TYPE,
            marks=pytest.mark.skipif(sys.version_info < (3, 10), reason="needs Python 3.10"),
        ),
    ],
)
def test_annotations_of_triggers(annotation: str, http: str, activity: str, future: bool) -> None:
    for kind, expected in ((HTTP, http), (ACTIVITY, activity)):
        signature, binding = f"(x: {annotation})", BindingSpec(kind, "x")
        if expected == OK:
            assert not check(signature, binding, future=future).wants_context
        else:
            assert expected in str(refusal(signature, binding, future=future))


def test_the_message_names_the_function_the_binding_and_the_annotation() -> None:
    error = refusal("(x: dict)", BindingSpec(TIMER, "x"))
    assert str(error) == (
        'cannot load the Hello function: type of x binding in function.json "timerTrigger" does '
        'not match its Python annotation "dict"'
    )
    assert (error.code, error.parameter, error.annotation) == ("EH811", "x", dict)


@pytest.mark.parametrize(
    ("data_type", "old"),
    [(None, "None"), ("STRING", "1"), ("BINARY", "2"), ("STREAM", "3")],
)
def test_functions_with_decorators_have_other_messages(data_type: str | None, old: str) -> None:
    properties = {} if data_type is None else {"dataType": data_type}
    binding = BindingSpec(HTTP, "req", "in", properties)
    assert str(refusal("(req: dict)", binding, is_v2=True)) == (
        "cannot load the Hello function: "
        + (
            'binding type "\'req\'" and dataType "httpTrigger" in the binding decorator do not '
            "match the corresponding function parameter's Python type annotation dict"
            if NEW
            else f'\'req\' binding type "httpTrigger" and dataType "{old}" in function.json do '
            'not match the corresponding function parameter\'s Python type annotation "dict"'
        )
    )


@pytest.mark.skipif(not OLD, reason="Python 3.11 does not change the annotation")
def test_a_default_of_none_makes_the_annotation_optional() -> None:
    assert str(refusal("(x: dict = None)", BindingSpec(ACTIVITY, "x"))) == TYPE_ERROR


@pytest.mark.parametrize(
    ("annotation", "kind", "is_unconverted"),
    [
        ("str", HTTP, True),
        ("bytes", HTTP, True),
        ("str", TIMER, True),
        ("str", ACTIVITY, False),
        ("dict", ACTIVITY, False),
        ("str", "durableClient", True),
    ],
)
def test_strings_of_some_bindings_are_not_converted(
    annotation: str, kind: str, is_unconverted: bool
) -> None:
    found = check(f"(x: {annotation})", BindingSpec(kind, "x")).unconverted
    assert found == ({"x"} if is_unconverted else set())


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("func.HttpResponse", OK),
        ("'func.HttpResponse'", OK),
        ("str", OK),
        ("int", 'Python return annotation "int" does not match binding type "http"'),
        ("bytes", 'Python return annotation "bytes" does not match'),
        ("None", 'Python return annotation "NoneType" does not match'),
        ("func.HttpRequest", 'Python return annotation "HttpRequest" does not match'),
        ("Optional[func.HttpResponse]", "has invalid non-type return annotation"),
        ("List[str]", "has invalid non-type return annotation typing.List[str]"),
        ("func.Out[str]", "return annotation should not be azure.functions.Out"),
        (
            "func.Out",
            'annotation "Out" does not match'
            if NEW
            else "AttributeError: 'NoneType' object has no attribute '__name__'",
        ),
    ],
)
def test_return_annotations(annotation: str, expected: str) -> None:
    signature, trigger = f"(x) -> {annotation}", BindingSpec(HTTP, "x")
    if expected == OK:
        check(signature, trigger, RESPONSE)
    else:
        error = refusal(signature, trigger, RESPONSE)
        assert expected in str(error)
        assert (error.code, error.parameter) == ("EH812", "return")
    check(signature, trigger)  # without $return, any annotation is valid
    check(signature, BindingSpec(ACTIVITY, "x"))


@pytest.mark.parametrize(
    ("annotation", "is_valid"),
    [
        ("", True),
        (": func.Context", True),
        (": 'func.Context'", True),
        (": Context", True),
        (": str", False),
        (": Any", False),
        (": Own", False),
        (": Optional[func.Context]", False),
    ],
)
def test_annotations_of_the_context(annotation: str, is_valid: bool) -> None:
    signature, binding = f"(x, context{annotation})", BindingSpec(ACTIVITY, "x")
    if is_valid:
        assert check(signature, binding).wants_context
    else:
        error = refusal(signature, binding)
        assert error.code == "EH813"
        assert 'the "context" parameter is expected to be of type azure.functions.Context, got' in (
            str(error)
        )


def test_a_binding_named_context_is_no_invocation_context() -> None:
    assert not check("(context: int)", BindingSpec(ACTIVITY, "context")).wants_context


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("(req, more)", "declared in Python but not in function.json: {'more'}"),
        ("(req, more=1)", "declared in Python but not in function.json: {'more'}"),
        ("(req, *b, **a)", "declared in Python but not in function.json: {'a', 'b'}"),
        ("()", "declared in function.json but not in Python: {'req'}"),
        ("(*, req)", OK),
    ],
)
def test_names_of_parameters(signature: str, expected: str) -> None:
    binding = BindingSpec(HTTP, "req")
    if expected == OK:
        check(signature, binding, RESPONSE)
        return
    error = refusal(signature, binding, RESPONSE)
    assert expected in str(error)
    assert error.code == "EH814"
    expected_in_v2 = "{" + expected.partition("{")[2] if NEW else expected
    assert expected_in_v2 in str(refusal(signature, binding, RESPONSE, is_v2=True))


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("", OK),
        (": func.Out[str]", OK),
        (": func.Out[bytes]", OK),
        (": 'func.Out[str]'", OK),
        (": func.Out[func.HttpResponse]", OK),
        (": func.Out", "binding res has invalid Out annotation"),
        (": func.Out[int]", 'binding in function.json "http" does not match'),
        (": func.Out[Optional[str]]", "binding res has invalid non-type annotation"),
        (
            ": str",
            'declared to have the "out" direction, but its annotation in Python is not a subclass '
            "of azure.functions.Out",
        ),
    ],
)
def test_annotations_of_outputs(annotation: str, expected: str) -> None:
    signature = f"(req, res{annotation})"
    bindings = BindingSpec(HTTP, "req"), BindingSpec("http", "res", "out")
    if expected == OK:
        check(signature, *bindings)
    else:
        assert expected in str(refusal(signature, *bindings))


def test_an_input_has_no_out_annotation() -> None:
    error = refusal("(req: func.Out[str])", BindingSpec(HTTP, "req"))
    assert 'declared to have the "in" direction in function.json, but its annotation' in str(error)
    assert error.code == "EH816"


def test_directions_of_bindings() -> None:
    both = BindingSpec("queue", "req", "inout")
    assert str(refusal("(req)", both)).endswith('"inout" bindings are not supported')
    returned = BindingSpec("http", "$return", "in")
    assert '"$return" binding must have direction set to "out"' in str(
        refusal("(req)", BindingSpec(HTTP, "req"), returned)
    )


def test_a_binding_without_a_converter_accepts_strings() -> None:
    unknown = BindingSpec("carrierPigeon", "x")
    assert is_accepted(str, unknown)
    assert not is_accepted(dict, unknown)
    assert is_accepted(dict, BindingSpec(ACTIVITY, "x"))
    assert has_implicit_output("carrierPigeon")
    assert not has_implicit_output("durableClient")


@pytest.mark.parametrize("future", [False, True])
def test_a_missing_name_without_quotes_is_refused(future: bool) -> None:
    if not future and sys.version_info < (3, 14):
        pytest.skip("the import of the module fails")
    error = refusal("(x: Missing)", BindingSpec(ACTIVITY, "x"), future=future)
    assert (str(error), error.code) == ("NameError: name 'Missing' is not defined", "EH815")


def test_a_callable_object_is_refused() -> None:
    import functools

    spec = FunctionSpec("Hello", "/app", "/app/x.py", "main", [BindingSpec(ACTIVITY, "x")])
    with pytest.raises(RefusedSignatureError, match=r"TypeError: .*module, class, meth") as caught:
        check_signature(functools.partial(lambda x: x), spec, is_v2=True)
    assert caught.value.code == "EH818"
    if sys.version_info >= (3, 14):  # the worker accepts it in a function folder
        check_signature(functools.partial(lambda x: x), spec)
        return
    with pytest.raises(RefusedSignatureError, match="is not a module, class, method"):
        check_signature(functools.partial(lambda x: x), spec)


class SdkType:
    """An SDK type, such as BlobClient."""


def test_an_sdk_type_of_an_extension_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Registry:
        @staticmethod
        def check_supported_type(annotation: object) -> bool:
            return annotation is SdkType

        @staticmethod
        def get(kind: str) -> Any:
            return types.SimpleNamespace(check_input_type_annotation=lambda annotation: True)

    extension: Any = types.ModuleType("azurefunctions.extensions.base")
    extension.get_binding_registry = Registry
    blob = BindingSpec("blob", "x")
    spec = FunctionSpec("Hello", "/app", "/app/x.py", "main", [blob])

    def main(x: Any) -> None: ...

    main.__annotations__ = {"x": SdkType}
    with pytest.raises(RefusedSignatureError):
        check_signature(main, spec, is_v2=True)
    monkeypatch.setitem(sys.modules, extension.__name__, extension)
    check_signature(main, spec, is_v2=True)


def test_http_streaming_is_not_refused_by_the_functions_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = type("Request", (), {"__module__": "starlette.requests"})

    def main(x: Any) -> None: ...

    main.__annotations__ = {"x": request}
    spec = FunctionSpec("Hello", "/app", "/app/x.py", "main", [BindingSpec(HTTP, "x")])
    with pytest.raises(RefusedSignatureError):
        check_signature(main, spec)
    extension = types.ModuleType("azurefunctions.extensions.http.fastapi")
    monkeypatch.setitem(sys.modules, extension.__name__, extension)
    with pytest.raises(StreamingAnnotationError):
        check_signature(main, spec)
