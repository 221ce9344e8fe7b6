"""Commands that are imported when they are called: ``start`` must not pay for the others."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """``lazy`` has commands by name, each as ``module:variable``; help lists them in that order, behind the group's own."""

    def __init__(self, *arguments: Any, lazy: Mapping[str, str], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if place := self._lazy.get(cmd_name):
            module, _, variable = place.partition(":")
            command: click.Command = getattr(import_module(module), variable)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from embedded_host.app.suggestion import did_you_mean

            names = self.list_commands(ctx)
            if error.message.rstrip(".").endswith(
                f"'{args[0]}'"
            ):  # else click has a suggestion of its own
                hint = did_you_mean(args[0], names) or f"{ctx.command_path} --help lists them."
                raise click.UsageError(f"There is no command '{args[0]}'. {hint}", ctx) from error
            raise
