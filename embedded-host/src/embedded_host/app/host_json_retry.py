"""Read ``retry`` of host.json: the retry policy of each function without a policy of its own.

Sources, in Azure/azure-functions-host: ``src/WebJobs.Script/Config/ScriptJobHostOptionsSetup.cs``
reads and validates the section with ``Utility.ValidateRetryOptions``, so an invalid policy puts the
host in error. ``src/WebJobs.Script/Host/ScriptHost.cs`` (``CreateTypeAttributes``) applies it to
the class of all functions. In Azure/azure-webjobs-sdk,
``src/Microsoft.Azure.WebJobs.Host/Indexers/FunctionIndexer.cs`` uses the policy of a function (its
``retry`` in function.json or its ``@app.retry``) before that of the class.
"""

from __future__ import annotations

import re

from embedded_host.app.definitions import Problem
from embedded_host.app.function_retry import FunctionRetry, RetryPolicyError
from embedded_host.app.host_json_values import (
    Reader,
    dotted,
    is_nested,
    not_converted,
    shown,
    text,
)
from embedded_host.app.json_file import JsonPath
from embedded_host.app.time_span import parse_time_span

_TYPES = {
    "strategy": "Microsoft.Azure.WebJobs.Script.Description.RetryStrategy",
    "maxretrycount": "System.Int32",
    "delayinterval": "System.TimeSpan",
    "minimuminterval": "System.TimeSpan",
    "maximuminterval": "System.TimeSpan",
}
"""The .NET types of the properties, by their names in lower case."""


def read_retry(reader: Reader) -> FunctionRetry | None:
    """Return the policy, or None without one. Add the problem of an invalid policy to ``reader``.

    As on the Azure Functions host, the section has no effect if it is empty or not an object.
    """
    json_path, policy = reader.find(("retry",))
    if isinstance(policy, list):  # the key of an item is its index
        policy = {str(index): item for index, item in enumerate(policy)}
    if not isinstance(policy, dict):
        if policy is not None:
            reader.add_ineffective(json_path, policy, 'Write {"strategy": "fixedDelay", …}.')
        return None
    written = {key: text(value) for key, value in policy.items() if not is_nested(value)}
    if not written:
        return None
    properties: dict[str, object] = {
        key: _strategy(value) if key.lower() == "strategy" else value or None
        for key, value in written.items()
    }
    try:
        return FunctionRetry.parse(properties)
    except RetryPolicyError as error:
        key = next((key for key in policy if key.lower() == error.key.lower()), None)
        place: JsonPath = (*json_path, key) if key else json_path
        value = "" if key is None else written.get(key, "")
        reader.problems.append(
            Problem(
                reader.location(place),
                f"{dotted(json_path)}: {error.fault}"
                if key is None
                else f"{dotted(place)} is {shown(policy[key])}: {error.fault}",
                error.fix,
                fatal=True,
                code="EH120",
                on_azure=_on_azure(error, place, value),
            )
        )
        return None


def _strategy(value: str) -> object:
    """Return the strategy. As on the Azure Functions host, it may be a number."""
    return int(value) if value in ("0", "1") else value


def _on_azure(error: RetryPolicyError, place: JsonPath, value: str) -> str:
    """Return the message of the Azure Functions host about an invalid policy."""
    name = error.key
    if not value and name != "strategy":
        return f"Value cannot be null. (Parameter '{name[0].upper()}{name[1:]}')"
    if name == "maxRetryCount" and re.fullmatch(r"\s*-\d{1,9}\s*", value, re.ASCII):
        return (
            "Specified argument was out of the range of valid values. (Parameter 'maxRetryCount')"
        )
    if name == "minimumInterval" and parse_time_span(value.strip()) is not None:
        return (
            "The minimumInterval must not be greater than the maximumInterval. "
            "(Parameter 'minimumInterval')"
        )
    return not_converted(place, _TYPES[name.lower()])
