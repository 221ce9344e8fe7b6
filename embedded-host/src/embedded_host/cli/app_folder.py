"""Loads the app in an app folder for a command, without a host."""

from __future__ import annotations

import os

import click

from embedded_host.cli.command import CommandError
from embedded_host.cli.target import Target
from embedded_host.workers.loaded_app import LoadedApp


def load_folder(target: Target, python: str | None = None) -> LoadedApp:
    """Return the loaded app of ``target.root``.

    ``python`` is the app's interpreter, or None to find it.
    A worker imports the app, because the functions of a v2 app are known only after the import.
    Raises CommandError if the app cannot be loaded.
    """
    from embedded_host.app.folder import read_app
    from embedded_host.app.local_settings import effective_environment
    from embedded_host.workers.app_interpreter import AppInterpreterError, find_app_interpreter
    from embedded_host.workers.app_loading import AppLoadingError, load_app

    root = target.root.absolute()
    app = read_app(root, os.environ)
    added, _ = effective_environment(app.settings, os.environ, app.root)
    click.echo(f"App: {root} ({target.without_host()})", err=True)
    environ = {**os.environ, **added}
    try:
        interpreter = find_app_interpreter(app.root, environ, option=python)
        return load_app(app, environ, interpreter).app
    except (AppInterpreterError, AppLoadingError) as error:
        raise CommandError(str(error)) from error
