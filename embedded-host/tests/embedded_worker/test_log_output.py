"""Access keys in log lines."""

from __future__ import annotations

import io
import json
import logging

import pytest

from embedded_worker.log_output import console_handler, json_text, line_text, without_keys
from embedded_worker.protocol import LogLine

KEY = "Zm9vYmFy-_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


@pytest.mark.parametrize(
    "text",
    [
        f"GET http://localhost:7071/api/x?code={KEY}",
        f"GET /api/x?a=1&code={KEY}&b=2 went wrong",
        f"GET /api/x?a=1&CODE={KEY}",
        f"'statusQueryGetUri': 'http://h/instances/i?taskHub=H&connection=Storage&code={KEY}'",
        f'{{"requiredQueryStringParameters": "code={KEY}"}}',
        f'{{\\"x\\": \\"code={KEY}\\"}}',
        f"http://127.0.0.1:17071/durabletask/code={KEY}/instances/i",
        f"redirect=http%3A%2F%2Fh%2Fapi%3Fcode%3D{KEY}",
        f"{{'host': 'localhost', 'x-functions-key': '{KEY}', 'accept': '*/*'}}",
        f"X-Functions-Key: {KEY}",
        f"X-Functions-Key: b{KEY}",
        f"((b'host', b'localhost'), (b'x-functions-key', b'{KEY}'))",
        f'<a href="/x?y=1&amp;code={KEY}">',
    ],
)
def test_keys_are_hidden(text: str) -> None:
    shown = without_keys(text)
    assert KEY not in shown
    assert "[Hidden Credential]" in shown
    assert shown.startswith(text[:10])


@pytest.mark.parametrize(
    "text",
    [
        "exit code=3",
        "the code is short",
        "code=",
        "x-functions-key is missing",
        "status code=200, code=NotFound",
        "?coder=x",
    ],
)
def test_text_without_keys_is_unchanged(text: str) -> None:
    assert without_keys(text) == text


def test_text_after_a_key_is_unchanged() -> None:
    assert without_keys(f"?code={KEY}&b=2 (x)") == "?code=[Hidden Credential]&b=2 (x)"
    assert without_keys("?code=short") == "?code=[Hidden Credential]"


def test_keys_are_hidden_in_console_lines_and_tracebacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = console_handler("%(levelname)s %(message)s")
    logger = logging.getLogger("test_log_lines")
    logger.addHandler(handler)
    try:
        raise ValueError(f"http://h/x?code={KEY}")
    except ValueError:
        logger.exception("GET %s failed", f"/x?code={KEY}")
    finally:
        logger.removeHandler(handler)
    shown = capsys.readouterr().err
    assert KEY not in shown
    assert shown.count("[Hidden Credential]") >= 2


def test_json_records_have_one_line_and_no_keys() -> None:
    stream = io.StringIO()
    handler = console_handler("%(levelname)s %(message)s", stream, as_json=True)
    record = logging.LogRecord(
        "embedded_host.x", logging.ERROR, "", 1, f"two\n?code={KEY}", None, None
    )
    record.created = 1_700_000_000.25
    record.function, record.instance_id = "F", "i-1"
    handler.handle(record)
    assert json.loads(stream.getvalue()) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "Error",
        "category": "embedded_host.x",
        "function": "F",
        "instanceId": "i-1",
        "message": "two\n?code=[Hidden Credential]",
    }
    assert stream.getvalue().count("\n") == 1


def test_the_console_omits_frames_that_it_has_shown_before() -> None:
    stream, as_json = io.StringIO(), io.StringIO()
    record = logging.LogRecord(
        "embedded_host.x", logging.ERROR, "", 1, "boom\n  a\n  b", None, None
    )
    record.shown_frames = "\n  a\n  b"
    console_handler("%(levelname)s %(message)s", stream).handle(record)
    console_handler("%(message)s", as_json, as_json=True).handle(record)
    assert stream.getvalue().endswith("ERROR boom (at the same lines as before)\n")
    assert json.loads(as_json.getvalue())["message"] == "boom\n  a\n  b"


@pytest.mark.parametrize("character", ["\u202e", "\x1b", "\x07", "\x9b", "\n"])
def test_the_names_in_a_line_of_the_console_are_escaped(character: str) -> None:
    escape = character.encode("unicode_escape").decode()
    line = LogLine(0, 2, "c", "\x1b[31mred", "F", "", f"i{character}1")
    assert line_text(line) == f"INFO F (i{escape}1): \x1b[31mred"


@pytest.mark.parametrize("character", ["\u202e", "\x1b", "\x07", "\x9b"])
def test_the_messages_of_the_host_and_json_are_escaped(character: str) -> None:
    escape = character.encode("unicode_escape").decode()
    stream = io.StringIO()
    message = f"instance 'é{character}' failed\n\tin f"
    record = logging.LogRecord("embedded_host.x", logging.ERROR, "", 1, message, None, None)
    console_handler("%(message)s", stream).handle(record)
    assert stream.getvalue().endswith(f" instance 'é{escape}' failed\n\tin f\n")
    text = json_text(LogLine(0, 2, "c", f"é{character}", "F", "", "i"))
    assert "é" in text
    assert text.isprintable()
    assert json.loads(text)["message"] == f"é{character}"
