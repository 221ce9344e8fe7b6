"""The versions of Python, of the SDK and of extension bundles that the checks compare with."""

from __future__ import annotations

from datetime import date

from packaging.specifiers import SpecifierSet

from embedded_host.workers.sdk_versions import NEWEST_PYTHON, OLDEST_PYTHON, SDK_VERSIONS

WORKER_PYTHON = (OLDEST_PYTHON, NEWEST_PYTHON)
"""The oldest and the newest Python version of the worker."""

SDK = {
    name: SpecifierSet(versions.specifier, prereleases=True)
    for name, versions in SDK_VERSIONS.items()
}
"""The SDK versions that the worker supports."""

AZURE_PYTHON = {
    (3, 10): date(2026, 10, 31),
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
}
"""The Python versions of Azure Functions 4.x, with the last day of their support.

Sources: the table in the README of https://github.com/Azure/azure-functions-python-worker, and
https://learn.microsoft.com/azure/azure-functions/supported-languages?pivots=programming-language-python.
Azure supports a Python version as long as Python itself does. After that, apps still run, but
receive no security patches
(https://learn.microsoft.com/azure/azure-functions/language-support-policy).
"""
AZURE_PREVIEW = ((3, 14),)
"""Python versions that Azure offers for evaluation, on some plans only.

Source: https://github.com/Azure/azure-functions-python-worker/issues/1701.
"""
AZURE_PYTHON_PAGE = "https://learn.microsoft.com/azure/azure-functions/supported-languages"

LOWEST_BUNDLE = (2, 8, 2)
"""The lowest extension bundle with which the Azure Functions host 4.x starts.

Source: src/WebJobs.Script/extensionrequirements.json of azure-functions-host. It requires version
2.5.0 of the Durable Task extension too, which every such bundle has.
"""
V2_BUNDLE = (4, 0, 0)
"""The lowest extension bundle for the durable decorators of the v2 model.

Source: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-bindings.
"""
CURRENT_BUNDLE = (4, 0, 0)
"""The lowest extension bundle that is not deprecated.

Source: https://learn.microsoft.com/azure/azure-functions/extension-bundles.
"""
