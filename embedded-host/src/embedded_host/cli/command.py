"""Errors, exit codes and help of all commands but ``start``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from embedded_host.errors import EmbeddedHostError

EXIT_CODES = (
    "Exit codes: 0 done; 1 it failed, or nobody answers; 2 wrong arguments; 3 no such instance, entity or function; "
    "4 its status does not allow that."
)


class CommandError(EmbeddedHostError, click.ClickException):
    """A command failed. The message contains the cause, the place and the remedy."""


class NotFoundError(CommandError):
    """The instance, entity or function does not exist."""

    exit_code = 3


def no_instance(instance_id: str, where: str) -> NotFoundError:
    """``where`` is the name of the host or of the state."""
    return NotFoundError(f"There is no instance '{instance_id}' at {where}. [EH510]")


class NotAllowedError(CommandError):
    """The status of the instance does not allow the operation."""

    exit_code = 4


class Command(click.Command):
    """Reports an error as an exit code and a message. EMBEDDED_HOST_TRACEBACK=1 shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A character that the console cannot display is escaped.
            if reconfigure := getattr(stream, "reconfigure", None):
                reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # The reader of the pipe (head, less) has exited. Buffered output must not fail at exit.
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
        f"{type(error).__name__}: {error}. This should not happen; EMBEDDED_HOST_TRACEBACK=1 shows where it does. [EH599]"
    )


def command(name: str | None = None, **more: Any) -> Callable[[Callable[..., Any]], Command]:
    """Like ``click.command``."""
    return click.command(name, cls=Command, epilog=EXIT_CODES, **more)
