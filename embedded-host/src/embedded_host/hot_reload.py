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


class HotReload:
    """Watches the files of an app, and cancels a reload that a later change has outdated."""

    def __init__(
        self, root: Path, read: Callable[[], App], load: Callable[[App], Awaitable[bool]]
    ) -> None:
        """Watch the app folder ``root``.

        ``read`` reads the files of the app, or raises AppError. ``load`` puts the app into service.
        It returns False if the app cannot be loaded, and has logged the reason.
        """
        self._root, self._read, self._load = root, read, load

    async def run(self) -> None:
        """Reload the app after each change of its files. Log an error that stops the watcher."""
        try:
            await self._reload_on_changes()
        except Exception as error:
            log.error(
                "Hot reload stopped because of an error (%s: %s). Restart the host to load further "
                "changes. [EH303]",
                type(error).__name__,
                error,
            )

    async def _reload_on_changes(self) -> None:
        from embedded_host.reload import changes, needs_restart

        root = self._root
        changed: set[Path] = set()
        reloading: asyncio.Task[None] | None = None
        try:
            async for files in changes(root):
                if any(needs_restart(file, root) for file in files):
                    log.warning(
                        "%s changed. Restart the host to apply the change. [EH304]",
                        _names(files, root),
                    )
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
            log.error("%s changed, but the reload failed [EH305]: %s", names, error)
        except Exception as error:
            log.exception("%s changed, but the reload failed [EH305]: %s", names, error)
        changed.clear()


def _names(files: Iterable[Path], root: Path) -> str:
    return ", ".join(sorted(file.relative_to(root).as_posix() for file in files))
