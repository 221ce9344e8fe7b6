"""Worker extensions: hooks of an app or a package around every function.

Subclasses of ``azure.functions.AppExtensionBase`` and ``FuncExtensionBase`` register themselves
when they are imported. The setting PYTHON_ENABLE_WORKER_EXTENSIONS enables their hooks.
OpenCensus, for example, sets ``context.tracer`` in a hook. The order of the hooks is that of the
Azure Functions host's Python worker (azure-functions-python-worker, extension.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import azure.functions as func

from embedded_worker.user_function import UserFunction

SETTING = "PYTHON_ENABLE_WORKER_EXTENSIONS"


class Extensions:
    """Calls the hooks. An exception in a hook is logged and does not affect the function."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.enabled = environ.get(SETTING, "").strip().lower() in ("1", "true", "t", "yes", "y")

    def loaded(self, function: str, directory: str) -> None:
        """Call the hooks for a loaded function."""
        for name in ("post_function_load", "post_function_load_app_level"):
            for logger, hook in self._hooks(function, name):
                _call(logger, hook, function, directory)

    def before(self, context: func.Context, arguments: Mapping[str, object]) -> None:
        """Call the hooks before a function runs."""
        for name in ("pre_invocation_app_level", "pre_invocation"):
            for logger, hook in self._hooks(context.function_name, name):
                _call(logger, hook, logger, context, arguments)

    def after(
        self, context: func.Context, arguments: Mapping[str, object], returned: object
    ) -> None:
        """Call the hooks after a function returned. No hooks are called after an exception."""
        for name in ("post_invocation", "post_invocation_app_level"):
            for logger, hook in self._hooks(context.function_name, name):
                _call(logger, hook, logger, context, arguments, returned)

    def _hooks(self, function: str, name: str) -> Iterator[tuple[logging.Logger, UserFunction]]:
        if not self.enabled:
            return
        meta = func.ExtensionMeta
        for hooks in (meta.get_function_hooks(function), meta.get_application_hooks()):
            for hook in getattr(hooks, name, ()):
                yield (
                    logging.getLogger(f"azure_functions_worker.extension.{hook.ext_name}"),
                    hook.ext_impl,
                )


def _call(logger: logging.Logger, hook: UserFunction, *arguments: object) -> None:
    try:
        hook(*arguments)
    except Exception as error:
        logger.error(error, exc_info=True)
