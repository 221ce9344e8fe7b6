"""Hot reload: loads the app again after each change of its files."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from embedded_host.app.definitions import App
from embedded_host.app.errors import AppError

log = logging.getLogger("embedded_host")
FAILED = "%s changed, but the reload failed. The host still runs the previous code. [EH305]: %s"


class HotReload:
    """Watches the files of an app, and cancels a reload that a later change has outdated."""

    def __init__(
        self,
        root: Path,
        read: Callable[[], App],
        load: Callable[[App], Awaitable[bool]],
        on_failure: Callable[[str], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        """Watch the app folder ``root``.

        ``read`` reads the files of the app, or raises AppError. ``load`` puts the app into service.
        It returns False if the app cannot be loaded, and has logged the reason. ``on_failure``
        receives the reason why the files cannot be read or loaded otherwise. ``on_warning``
        receives a change that has no effect.
        """
        self._root, self._read, self._load = root, read, load
        self._on_failure, self._on_warning = on_failure, on_warning

    async def run(self) -> None:
        """Reload the app after each change of its files. Log an error that stops the watcher."""
        try:
            await self._reload_on_changes()
        except Exception as error:
            text = (
                f"Hot reload stopped because of an error ({type(error).__name__}: {error}). "
                "Restart the host to load further changes. [EH303]"
            )
            log.error("%s", text)
            self._warn(text)

    async def _reload_on_changes(self) -> None:
        from embedded_host.reload import changes, needs_restart

        root = self._root
        changed: set[Path] = set()
        reloading: asyncio.Task[None] | None = None
        try:
            async for files in changes(root):
                if any(needs_restart(file, root) for file in files):
                    text = (
                        f"{_names(files, root)} changed. Restart the host to apply the change. "
                        "[EH304]"
                    )
                    log.warning("%s", text)
                    self._warn(text)
                    if all(needs_restart(file, root) for file in files):
                        continue
                if reloading is not None:
                    # The running reload imports outdated code, and the import may block forever.
                    reloading.cancel()
                    await asyncio.wait([reloading])
                changed |= files
                reloading = asyncio.ensure_future(self._reload(changed))
        finally:
            if reloading is not None:
                reloading.cancel()

    async def _reload(self, changed: set[Path]) -> None:
        """Reload the app, log the outcome and empty ``changed``."""
        names, began = _names(changed, self._root), time.perf_counter()
        try:
            if await self._load(self._read()):
                log.info("%s changed. Reloaded in %.2f s.", names, time.perf_counter() - began)
        except AppError as error:
            log.error(FAILED, names, error)
            self._fail(str(error))
        except Exception as error:
            log.exception(FAILED, names, error)
            self._fail(f"{type(error).__name__}: {error}")
        changed.clear()

    def _warn(self, text: str) -> None:
        if self._on_warning is not None:
            self._on_warning(text)

    def _fail(self, text: str) -> None:
        if self._on_failure is not None:
            self._on_failure(text)


def _names(files: Iterable[Path], root: Path) -> str:
    return ", ".join(sorted(file.relative_to(root).as_posix() for file in files))
