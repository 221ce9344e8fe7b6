"""What all commands but ``start`` have in common: their errors in words, exit codes and help."""

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
    """The text says what is wrong, where, and what to do."""


class NotFoundError(CommandError):
    """There is no such instance, entity or function."""

    exit_code = 3


def no_instance(instance_id: str, where: str) -> NotFoundError:
    """``where`` is the host's or the state's name."""
    return NotFoundError(f"There is no instance '{instance_id}' at {where}. [EH510]")


class NotAllowedError(CommandError):
    """The instance is there, but its status does not allow this."""

    exit_code = 4


class Command(click.Command):
    """Ends with an exit code and a sentence, never with a traceback (EMBEDDED_HOST_TRACEBACK=1 shows it)."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A character that the console has no form for is no reason to fail.
            if reconfigure := getattr(stream, "reconfigure", None):
                reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # The reader (head, less) has enough. What Python still holds back must not fail when it ends.
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
    """As ``click.command``."""
    return click.command(name, cls=Command, epilog=EXIT_CODES, **more)
