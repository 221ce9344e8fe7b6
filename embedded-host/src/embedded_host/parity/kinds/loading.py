"""The kinds of parity findings of the app's modules and their imports."""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

HIDDEN_MODULE = Kind(
    "EH830",
    "an import of {function} by its name finds another module, because the app folder is last on "
    "sys.path",
    "Rename the module of the app. In a function folder, 'from .. import NAME' finds the module of "
    "the app too.",
)
HIDES_WORKER = Kind(
    "EH831",
    "the worker does not start, because the package {function} of the app replaces a package that "
    "the worker imports, and the host process exits",
    "Rename the folder.",
)
EXIT_AT_IMPORT = Kind(
    "EH832",
    "the import of {function} ends the worker process, and after the third start the host process "
    "exits",
    "Do not call sys.exit in the code of a module. Raise an exception instead.",
)
