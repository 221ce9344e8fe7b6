"""Delays the import of the SDK's HTTP client, which imports aiohttp, until the first use.

aiohttp accounts for 40 % of a worker's imports, and a worker rarely needs it (``durable_client``).
The SDK imports it in one module with three functions. The worker registers a module of the same
name whose functions import the SDK's module at the first call.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

NAME = "azure.durable_functions.models.utils.http_utils"
FUNCTIONS = ("post_async_request", "get_async_request", "delete_async_request")


def install() -> bool:
    """Register the module and return True.

    If the SDK is already imported or is an unknown version, change nothing and return False.
    """
    package = (
        None
        if "azure.durable_functions" in sys.modules
        else importlib.util.find_spec("azure.durable_functions")
    )
    if package is None or package.origin is None:
        return False
    file = Path(package.origin).parent.joinpath(*NAME.split(".")[2:]).with_suffix(".py")
    if not file.is_file() or not all(
        f"async def {name}(" in file.read_text(encoding="utf-8") for name in FUNCTIONS
    ):
        return False

    @cache
    def own() -> ModuleType:
        spec = importlib.util.spec_from_file_location(NAME, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def lazy(name: str) -> object:
        async def request(*arguments: object, **options: object) -> object:
            return await getattr(own(), name)(*arguments, **options)

        return request

    module = ModuleType(NAME, __doc__)
    module.__dict__.update({name: lazy(name) for name in FUNCTIONS}, __file__=str(file))
    sys.modules[NAME] = module
    return True
