"""Parity findings of host.json, routes and app settings.

Source: the recordings of the Azure Functions host (functions-host.md#host-json and #http-routing).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

INVALID_ROUTE = Kind(
    "EH840",
    "the invalid route of the function {function} puts the whole app in error, and each function "
    "responds with 503",
    "Correct the route.",
)
UNREADABLE_HOST_JSON = Kind(
    "EH841",
    "the import of azure-functions-durable fails, because the SDK reads {function} with the JSON "
    "parser of Python, so functions that import the SDK do not work",
    "Remove the part that is not JSON.",
)
EXTENSION_BUNDLE = Kind(
    "EH842",
    "durable functions and the bindings of other services need an extension bundle, which "
    "{function} selects",
    'Write "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": '
    '"[4.*, 5.0.0)"} in host.json.',
)
SETTING_IN_ENVIRONMENT = Kind(
    "EH843",
    "the app setting {function} does not exist unless you add it, because here it is a variable "
    "of this machine's environment",
    "Add the setting to Values of local.settings.json, and to the app settings in Azure.",
)
