"""Calls of the command line in the test's process."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

from embedded_host.cli.commands import run


@dataclass(frozen=True)
class Called:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on stdout of a successful command."""
        assert self.code == 0, self
        return json.loads(self.out)


def call(*arguments: object, stdin: str = "") -> Called:
    """Run ``embedded-host`` with arguments, and return the exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["embedded-host", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run()
    # The traceback of a function is allowed.
    assert not re.search(r'File ".*embedded_host.*", line', err.getvalue()), err.getvalue()
    assert "Internal error" not in err.getvalue(), err.getvalue()
    return Called(code, out.getvalue(), err.getvalue())
