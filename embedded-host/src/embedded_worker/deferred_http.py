"""The SDK's HTTP client, imported when something is asked over HTTP, which in a worker is hardly ever (``client_calls``).

The SDK imports aiohttp for three functions in one module. That is 40 % of what a worker imports, and it is what a start waits
for; so a worker puts a module of the same name in that one's place, whose functions import the SDK's own at the first call.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "azure.durable_functions.models.utils.http_utils"
FUNCTIONS = ("post_async_request", "get_async_request", "delete_async_request")


def defer() -> bool:
    """Before the SDK is imported; whether it was done. Another SDK, or one that is imported already, is left as it is."""
    found = (
        importlib.util.find_spec("azure.durable_functions") if "azure.durable_functions" not in sys.modules else None
    )
    if found is None or found.origin is None:
        return False
    file = Path(found.origin).parent.joinpath(*NAME.split(".")[2:]).with_suffix(".py")
    if not file.is_file() or not all(f"async def {name}(" in file.read_text(encoding="utf-8") for name in FUNCTIONS):
        return False
    sys.modules[NAME] = _stand_in(file)
    return True


def _stand_in(file: Path) -> ModuleType:
    @cache
    def own() -> ModuleType:
        spec = importlib.util.spec_from_file_location(NAME, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def function(name: str) -> Any:
        async def request(*arguments: Any, **options: Any) -> Any:
            return await getattr(own(), name)(*arguments, **options)

        request.__name__ = name
        return request

    def other(name: str) -> Any:
        if name.startswith("__"):  # the import system asks for some
            raise AttributeError(name)
        return getattr(own(), name)

    module = ModuleType(NAME, __doc__)
    module.__file__ = str(file)
    for name in FUNCTIONS:
        setattr(module, name, function(name))
    module.__getattr__ = other  # type: ignore[method-assign]
    return module
