"""Reading a state file so that nothing in its folder is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_host.store.log_format import log_of, size_of


@contextmanager
def readable(path: Path) -> Iterator[tuple[Path, str]]:
    """The file to open, and how, so that SQLite writes nothing beside it either (it keeps an index of the log in ``-shm``)."""
    log, index = log_of(path), path.with_name(path.name + "-shm")
    if not size_of(log):
        # Everything is in the file itself. Without "immutable" SQLite would make both others, and leave them there.
        yield path, "mode=ro&immutable=1"
    elif index.exists():
        yield path, "mode=ro&readonly_shm=1"
    else:
        # A log without its index, as a copy of a killed host's state may be: reading it makes the index, in a copy here.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for file in (path, log):
                shutil.copyfile(file, Path(folder, file.name))
            yield Path(folder, path.name), "mode=ro"
