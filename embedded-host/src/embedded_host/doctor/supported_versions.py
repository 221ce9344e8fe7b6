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
