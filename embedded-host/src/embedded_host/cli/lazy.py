"""A group of commands. It imports the module of a command only if the command is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click


class LazyGroup(click.Group):
    """A group whose commands may be in modules that are not imported yet."""

    lazy: Mapping[str, str] = {}
    """Commands by name, each as ``module:variable``.

    The help lists these commands after the imported commands.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands in the order of the help."""
        return [*self.commands, *self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None for an unknown name. Imports the command's module."""
        if target := self.lazy.get(cmd_name):
            module, _, variable = target.partition(":")
            command: click.Command = getattr(import_module(module), variable)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command in ``args``. The error for an unknown command suggests a name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from embedded_host.app.suggestion import did_you_mean

            # If click's message does not end with the name, it contains click's own suggestion.
            if error.message.rstrip(".").endswith(f"'{args[0]}'"):
                suggestion = did_you_mean(args[0], self.list_commands(ctx))
                hint = suggestion or f"Run {ctx.command_path} --help for a list."
                raise click.UsageError(f"There is no command '{args[0]}'. {hint}", ctx) from error
            raise
