"""Shell completion: click's own."""

from __future__ import annotations

import click

from embedded_host.cli.command import CommandError, command


@command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    bash from 4.4 on; zsh, after its compinit; fish; PowerShell with click 8.5 or newer (pip install --upgrade click).

    \b
    Examples:
      echo 'eval "$(embedded-host completion bash)"' >> ~/.bashrc
      echo 'eval "$(embedded-host completion zsh)"' >> ~/.zshrc
      embedded-host completion fish > ~/.config/fish/completions/embedded-host.fish
      embedded-host completion powershell >> $PROFILE
    """
    from click.shell_completion import get_completion_class

    from embedded_host.cli.commands import cli

    made_by = get_completion_class(shell)
    if made_by is None:
        raise CommandError(
            f"The installed click makes no completion for {shell}: upgrade it (pip install --upgrade click). [EH531]"
        )
    click.echo(made_by(cli, {}, "embedded-host", "_EMBEDDED_HOST_COMPLETE").source())
