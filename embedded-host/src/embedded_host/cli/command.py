"""Errors, exit codes and help of the commands."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from embedded_host.errors import EmbeddedHostError

EXIT_CODES = (
    "Exit codes: 0 success; 1 failure, or no host responds; 2 invalid arguments; "
    "3 no such instance, entity or function; 4 not allowed in the instance's status; "
    "5 not finished before the timeout."
)
Callback = Callable[..., object]
"""The function that implements a command. click passes the options as keyword arguments."""
AnyCommand = TypeVar("AnyCommand", bound=click.Command)


_SYNONYMS = {
    "instance": "--id",
    "instanceid": "--id",
    "eventid": "--event-name",
    "data": "--event-data",
    "limit": "--top",
    "max": "--top",
    "host": "--url",
    "port": "--url",
    "key": "--code",
    "force": "--yes",
    "y": "--yes",
    "since": "--created-after",
    "until": "--created-before",
}
"""Options by a name of the same meaning, without hyphens."""


class CommandError(EmbeddedHostError, click.ClickException):
    """The failure of a command. The message contains the cause, the file or host, and the fix."""


class NotFoundError(CommandError):
    """The instance, entity or function does not exist."""

    exit_code = 3


class NotAllowedError(CommandError):
    """The status of the instance does not allow the operation."""

    exit_code = 4


def no_instance(instance_id: str, source: str) -> NotFoundError:
    """Return the error for a missing instance. ``source`` is the name of the host or state file."""
    return NotFoundError(f"There is no instance '{instance_id}' at {source}. [EH510]")


class OptionsCommand(click.Command):
    """A command whose error for an unknown option suggests an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. Raises UsageError."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            known = [
                name
                for option in self.get_params(ctx)
                if isinstance(option, click.Option) and not option.hidden
                for name in option.opts
                if name.startswith("--")
            ]
            suggested = suggested_options(error.option_name, known)
            hint = f" Did you mean {' or '.join(map(repr, suggested))}?" if suggested else ""
            # The suggestions of click have few letters in common: --state for --instance.
            raise click.UsageError(
                f"There is no option '{error.option_name}'.{hint}", ctx
            ) from error


def suggested_options(name: str, known: Iterable[str]) -> list[str]:
    """Return the options in ``known`` that a user may mean with the unknown option ``name``.

    They are an option of the same meaning, options that contain its words, or the option with
    almost the same letters.
    """
    known = list(known)
    if (synonym := _SYNONYMS.get(name.lower().replace("-", ""))) in known:
        return [synonym]
    words = name.lower().strip("-").split("-")
    containing = [
        option for option in known if all(word in option.strip("-").split("-") for word in words)
    ]
    if containing:
        return containing
    from embedded_host.app.suggestion import closest

    found = closest(name.lstrip("-"), [option.lstrip("-") for option in known])
    return [f"--{found}"] if found else []


class Command(OptionsCommand):
    """A command that reports each error as a message and an exit code.

    If ``EMBEDDED_HOST_TRACEBACK=1`` is in the environment, the traceback is printed instead.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Convert all exceptions except those of click to CommandError."""
        for stream in (sys.stdout, sys.stderr):
            # Escape characters that the console cannot display.
            if reconfigure := getattr(stream, "reconfigure", None):
                reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # The program that reads the pipe, such as head or less, has exited. Without a new
            # stdout, Python would print an error when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except Exception as error:
            if os.environ.get("EMBEDDED_HOST_TRACEBACK"):
                raise
            raise _as_command_error(error) from error


def _as_command_error(error: Exception) -> CommandError:
    from embedded_host.app.errors import AppError
    from embedded_host.store.interface import StateError

    if isinstance(error, AppError | StateError):
        return CommandError(str(error))
    return CommandError(
        f"Internal error: {type(error).__name__}: {error}. Set EMBEDDED_HOST_TRACEBACK=1 for the "
        "traceback. [EH599]"
    )


def command(name: str | None = None) -> Callable[[Callback], Command]:
    """Return a decorator that converts a function to a Command, like ``click.command``."""

    def decorate(function: Callback) -> Command:
        return keep_examples(click.command(name, cls=Command, epilog=EXIT_CODES)(function))

    return decorate


def keep_examples(command: AnyCommand) -> AnyCommand:
    """Mark the examples in a command's help, so that click does not join their lines."""
    command.help = re.sub(
        r"^( *)(Examples?:)$", "\\1\b\n\\1\\2", command.help or "", flags=re.MULTILINE
    )
    return command
