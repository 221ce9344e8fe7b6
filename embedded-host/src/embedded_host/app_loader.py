"""Loads the code of an app in the workers: at the start of the host, and after changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from embedded_host.app.definitions import App
from embedded_host.startup_output import app_problems, problems_text
from embedded_host.store.interface import StateError
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.app_interpreter import AppInterpreterError
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp, loaded_app
from embedded_host.workers.worker import Worker
from embedded_worker.protocol import LoadRequest, LoadResult

log = logging.getLogger("embedded_host")


class AppLoader:
    """Loads an app and its later versions, prints their problems, and keeps the app in service."""

    def __init__(
        self,
        worker: Worker,
        environ: Mapping[str, str],
        request: Callable[[App], LoadRequest],
        install: Callable[[str], str],
        *,
        strict: bool,
    ) -> None:
        """Load apps in ``worker``. ``environ`` is the environment of the functions.

        ``request`` returns the load request of an app. ``install`` returns the command that
        installs the app's packages, for the text of a problem. ``strict`` is the mode of
        ``--parity``.
        """
        self._worker, self._environ, self._request = worker, environ, request
        self._install, self._strict = install, strict
        self._import_exit = ""
        """The reason why the worker exited during the first import, or an empty string."""
        self._app: CurrentApp | None = None

    async def load(self, app: App) -> CurrentApp:
        """Load the app at the start of the host.

        If the import of the app ends the worker, the app has no functions and the host is in error.
        Raises StateError if the worker is lost for another reason.
        """
        try:
            result = await self._worker.load(self._request(app))
        except WorkerLostError as lost:
            text = (
                f"The worker process exited before it had loaded the app: {lost}. "
                "See its output above."
            )
            if lost.exit_code is None:
                raise StateError(f"{text} [EH203]") from lost
            self._import_exit = (
                f"{text} All functions respond with 503. Correct the app: the host loads it again "
                "after a change of its files, or restart the host if it runs with --no-reload."
            )
            log.error("%s [EH203]", self._import_exit)
            failed = LoadedApp(replace(app, functions=()), problem=self._import_exit)
            self._app = CurrentApp(failed)
        else:
            loaded, problems = self._checked(app, result)
            self._app = CurrentApp(loaded)
            self._app.problems = problems
        return self._app

    async def reload(self, app: App) -> bool:
        """Load the changed app and serve it.

        Return False, and keep the previous code, if the changed code cannot be loaded.
        """
        assert self._app is not None
        before = self._app.loaded

        def accept(result: LoadResult) -> bool:
            if before.problem is not None:
                return True  # there are no functions that could continue to run
            return all(
                p.function is not None and p.function in before.broken for p in result.problems
            )

        since = self._app.loaded_time.astimezone().strftime("%H:%M:%S")
        keeps = f"The host still runs the previous code, which it loaded at {since}."
        try:
            result = await self._worker.reload(self._request(app), accept)
        except AppInterpreterError as error:
            log.error("Reload failed: %s %s [EH301]", error, keeps)
            self._app.reload_failed([f"{error} [EH301]"])
            return False
        except WorkerLostError as lost:
            text = f"the worker process exited while it loaded the changed code ({lost})."
            log.error("Reload failed: %s %s [EH301]", text, keeps)
            self._app.reload_failed([f"{text[0].upper()}{text[1:]} [EH301]"])
            return False
        is_accepted = accept(result)
        loaded, problems = self._checked(app, result, is_refused=not is_accepted)
        if not is_accepted:
            log.error("Reload failed. %s [EH302]", keeps)
            self._app.reload_failed(problems)
            return False
        self._import_exit = ""
        self._app.replace(loaded, problems)
        return True

    def reload_failed(self, problem: str) -> None:
        """Record that the changed files are not a valid app."""
        assert self._app is not None
        self._app.reload_failed([problem])

    def host_errors(self) -> tuple[str, ...]:
        """Return the errors that put the host in error.

        They are an exit of the worker during the first import, and invalid routes in strict mode.
        """
        if self._import_exit:
            return (self._import_exit,)
        if self._app is None or not self._strict:
            return ()
        return tuple(self._app.loaded.route_errors.values())

    def _checked(
        self, app: App, result: LoadResult, *, is_refused: bool = False
    ) -> tuple[LoadedApp, Sequence[str]]:
        """Return the loaded app and its problems, and print the problems.

        ``is_refused`` is True if the previous code stays in service.
        """
        loaded = loaded_app(app, result, self._environ, strict=self._strict)
        problems = app_problems(loaded, result, self._install, is_reload=is_refused)
        if problems:
            print(problems_text(problems), flush=True)
        if is_refused:
            return loaded, problems
        for name in sorted(loaded.app.disabled):
            log.info("Function 'Functions.%s' is disabled", name)
        if loaded.route_errors and self._strict:
            log.error(
                "The host is in error, and each function responds with 503: %s [EH142]",
                " ".join(loaded.route_errors.values()),
            )
        return loaded, problems
