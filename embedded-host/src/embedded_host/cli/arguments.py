"""Options that several commands share, and the conversion of their values."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from embedded_host.cli.command import Callback
from embedded_host.engine.status import STATUSES
from embedded_host.store.interface import LONGEST_SEARCH, ORDERS

if TYPE_CHECKING:
    StringType = click.ParamType[str, object]
    TimeType = click.ParamType[datetime, object]
else:  # the type is not generic before click 8.4
    StringType = TimeType = click.ParamType


Completer = Callable[[click.Context, click.Parameter, str], list[str]]
"""A function that returns the completions of an incomplete value."""


def completed_by(values: str) -> Completer:
    """Return the completer of ``values``, such as ``instance ids``.

    The module of the completions imports modules that import this one. Therefore it is imported by
    its name, when a shell completes a value.
    """

    def completer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        completion = import_module("embedded_host.cli.value_completion")
        completed: list[str] = completion.complete(values, ctx, incomplete)
        return completed

    return completer


class NonEmpty(StringType):
    """A non-empty name or id. The management API interprets an empty value as "all"."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the value. Raises BadParameter if the value is blank."""
        if not str(value).strip():
            self.fail(
                "The value is empty. If it comes from a shell variable, check that the variable "
                "is set.",
                param,
                ctx,
            )
        return str(value)


class SearchText(NonEmpty):
    """A text to search for, of a length that the host accepts."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the value. Raises BadParameter if the value is blank or too long."""
        text = super().convert(value, param, ctx)
        if len(text) > LONGEST_SEARCH:
            self.fail(
                f"The text has {len(text)} characters. Use at most {LONGEST_SEARCH}.", param, ctx
            )
        return text


class Order(StringType):
    """The order of a list: a key of ``ORDERS``, with - before it for a descending order."""

    name = "order"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the order in the case of ``ORDERS``. Raises BadParameter if it is unknown."""
        text = str(value)
        sign, lower = "-" * text.startswith("-"), text.removeprefix("-").lower()
        name = next((name for name in ORDERS if name.lower() == lower), None)
        if name is None:
            self.fail(
                f"'{text}' is not one of {', '.join(ORDERS)}. For a descending order, write - "
                "before the name: --order -createdTime.",
                param,
                ctx,
            )
        return sign + name


as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document, for scripts."
)
only_instance_id = click.option(
    "--id",
    "instance_id",
    type=NonEmpty(),
    metavar="ID",
    shell_complete=completed_by("instance ids"),
    help="Only this instance.",
)
instance_id = click.option(
    "--id",
    "instance_id",
    required=True,
    type=NonEmpty(),
    metavar="ID",
    shell_complete=completed_by("instance ids"),
    help="The instance id.",
)
script_root = click.option(
    "--script-root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The app folder, which contains host.json. Default: the current folder.",
)
reason = click.option("--reason", metavar="TEXT", help="The reason to record in the history.")
top = click.option(
    "--top",
    "--limit",
    "top",
    type=click.IntRange(1, 2**31 - 1),
    default=10,
    show_default=True,
    help="The maximum number of rows.",
)
continuation_token = click.option(
    "--continuation-token",
    metavar="TOKEN",
    help="Print the next page. The command printed this token after the previous page.",
)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""The seconds of each unit of a time before now."""


class Timestamp(TimeType):
    """A date and time in a common format, or a time before now such as 1h.

    The default time zone is UTC, as in Core Tools (func).
    """

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time with its time zone. Raises BadParameter if the format is unknown."""
        from embedded_host.management.parameters import parse_timestamp

        if isinstance(value, datetime):
            return value
        time = _time_before_now(str(value)) or parse_timestamp(str(value))
        if time is None:
            self.fail(
                f"'{value}' is not a valid time. Write 2026-01-31T23:59:00Z, 01/31/2026 23:59, or "
                "1h for one hour ago (units: s, m, h, d, w).",
                param,
                ctx,
            )
        return time


def _time_before_now(text: str) -> datetime | None:
    """Return the time that is a period such as ``90s`` or ``1d12h`` before now, or None."""
    if not re.fullmatch(r"(\d{1,6}[smhdw])+", text.strip(), re.ASCII | re.IGNORECASE):
        return None
    parts = re.findall(r"(\d+)(\w)", text.lower())
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    try:
        return datetime.now(timezone.utc) - timedelta(seconds=seconds)
    except OverflowError:
        return None


def created_between(function: Callback) -> Callback:
    """Add the options ``--created-after`` and ``--created-before``."""
    for option in (
        click.option(
            "--created-before",
            type=Timestamp(),
            metavar="TIME",
            help="Only instances created at this time (UTC) or earlier. 1h means one hour ago.",
        ),
        click.option(
            "--created-after",
            type=Timestamp(),
            metavar="TIME",
            help="Only instances created at this time (UTC) or later. 1h means one hour ago.",
        ),
    ):
        function = option(function)
    return function


def runtime_status(function: Callback) -> Callback:
    """Add the option ``--runtime-status``.

    Several values are separated by spaces, as in Core Tools (``--runtime-status completed
    failed``), or by commas. The option can also be repeated. ``statuses`` parses the values.
    """
    completer = completed_by("statuses")
    more = click.argument("more_statuses", nargs=-1, metavar="", shell_complete=completer)
    return click.option(
        "--runtime-status",
        multiple=True,
        metavar="STATUS...",
        shell_complete=completer,
        help="Only instances with one of these statuses, such as completed or failed.",
    )(more(function))


def statuses(
    values: Iterable[str], more: Iterable[str], allowed: Iterable[str] = STATUSES
) -> tuple[str, ...]:
    """Parse the runtime statuses of the option and of the arguments that follow it.

    Raises UsageError or BadParameter if a status is not in ``allowed``.
    """
    values, more, allowed = list(values), list(more), list(allowed)
    if more and not values:
        raise click.UsageError(f"Got unexpected extra argument ({more[0]})")
    selected = []
    for value in (*values, *more):
        for part in value.replace(",", " ").split():
            name = next((status for status in allowed if status.lower() == part.lower()), None)
            if name is None:
                raise click.BadParameter(
                    f"'{part}' is not one of {', '.join(allowed)}.", param_hint="'--runtime-status'"
                )
            selected.append(name)
    return tuple(dict.fromkeys(selected))


def json_argument(value: str | None, option: str) -> str | None:
    """Return the JSON in an option's value unchanged, or None if the option is not set.

    The value ``@file.json`` selects the content of that file, and ``@-`` selects stdin. Raises
    BadParameter if the file cannot be read or the JSON is invalid.
    """
    if value is None:
        return None
    name, hint = "The value", " Strings need quotes: '\"Tokyo\"'."
    if value.startswith("@"):
        path = value[1:]
        name, hint = ("stdin" if path == "-" else f"The file {path}"), ""
        try:
            value = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(
                f"{name} cannot be read: {error}.", param_hint=f"'{option}'"
            ) from error
    try:
        json.loads(value, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(
            f"{name} is not valid JSON: {error}.{hint}", param_hint=f"'{option}'"
        ) from error
    return value


def sdk_encoded(json_value: str) -> str:
    """Return JSON encoded as a JSON string.

    The SDK's ``get_input`` expects this encoding (functions-host.md#encoding-per-hop).
    """
    return json.dumps(json_value)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
