"""The URLs of the management API in responses and in durable client bindings.

See functions-host.md#management-urls and #durable-client-binding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, quote_plus, urlsplit

from embedded_host.engine.json_codec import compact

WEBHOOK = "/runtime/webhooks/durabletask"
"""The path of the management API."""
NO_KEY = "local"
"""The key in the URLs of SDK 2.x if no keys are required.

The SDK writes ``?`` and ``&`` before the parameters. Without a parameter, its URLs would be invalid
as soon as a program appends another one.
"""
MAX_GRPC_MESSAGE = 4 * 1024 * 1024
"""The maximum size of a gRPC message in the binding's value. The worker does not enforce it."""


class ManagementUrls:
    """The URLs of one task hub."""

    def __init__(self, hub: str, key: Callable[[], str] = str, sdk_url: str = "") -> None:
        """Build the URLs of the task hub ``hub``.

        ``key`` returns the current system key, or "" if no keys are required. ``sdk_url`` is the
        base URL of the SDK's endpoint.
        """
        self.hub, self.key, self._sdk_url = hub, key, sdk_url
        self._binding = lru_cache(maxsize=64)(self._client_binding)
        self._grpc_binding = lru_cache(maxsize=64)(self._grpc_client_binding)

    def of_instance(self, base_url: str, instance_id: str, *, rewind: bool) -> dict[str, str]:
        """Return the check-status response body, with its keys in the recorded order.

        ``rewind`` adds the URL for rewind. The responses of the HTTP API do not contain this URL,
        but the durable client binding does.
        """
        return {
            "id": instance_id,
            **self._urls(base_url, quote_plus(instance_id), self.key(), rewind),
        }

    def _urls(self, base_url: str, encoded_id: str, key: str, rewind: bool) -> dict[str, str]:
        instance = f"{base_url}{WEBHOOK}/instances/{encoded_id}"
        code = quote(key, safe="")
        query = f"taskHub={self.hub}&connection=Storage" + (f"&code={code}" if code else "")

        def with_reason(operation: str) -> str:
            return f"{instance}/{operation}?reason={{text}}&{query}"

        urls = {
            "statusQueryGetUri": f"{instance}?{query}",
            "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
            "terminatePostUri": with_reason("terminate"),
        }
        if rewind:
            urls["rewindPostUri"] = with_reason("rewind")
        return urls | {
            "purgeHistoryDeleteUri": f"{instance}?{query}",
            "restartPostUri": f"{instance}/restart?{query}",
            "suspendPostUri": with_reason("suspend"),
            "resumePostUri": with_reason("resume"),
        }

    def client_binding(self, base_url: str, grpc: bool = False) -> str:
        """Return the value of the durable client binding, with its keys in the recorded order.

        The SDK replaces INSTANCEID with the instance id. ``grpc`` selects the value for SDK 2.x
        (tests/conformance/wire-2x.json).
        """
        binding = self._grpc_binding if grpc else self._binding
        return binding(base_url, self.key())

    def _grpc_client_binding(self, base_url: str, key: str) -> str:
        return compact(
            {
                "taskHubName": self.hub,
                "connectionName": None,
                "creationUrls": None,
                "managementUrls": None,
                "baseUrl": None,
                "requiredQueryStringParameters": f"code={quote(key or NO_KEY, safe='')}",
                "rpcBaseUrl": f"http://{urlsplit(self._sdk_url).netloc}",
                "httpBaseUrl": f"{base_url}{WEBHOOK}",
                "useForwardedHost": False,
                "maxGrpcMessageSizeInBytes": MAX_GRPC_MESSAGE,
                "grpcHttpClientTimeout": '"00:01:40"',
            }
        )

    def _client_binding(self, base_url: str, key: str) -> str:
        base = f"{base_url}{WEBHOOK}"
        code = key and f"code={quote(key, safe='')}"
        new = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
        return compact(
            {
                "taskHubName": self.hub,
                "connectionName": None,
                "creationUrls": {
                    "createNewInstancePostUri": new + (f"?{code}" if code else ""),
                    "createAndWaitOnNewInstancePostUri": new
                    + "?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
                    + (f"&{code}" if code else ""),
                },
                "managementUrls": {
                    "id": "INSTANCEID",
                    **self._urls(base_url, "INSTANCEID", key, rewind=True),
                },
                "baseUrl": base,
                "requiredQueryStringParameters": code,
                "rpcBaseUrl": self._sdk_url,
                "httpBaseUrl": None,
                "maxGrpcMessageSizeInBytes": None,
                "grpcHttpClientTimeout": None,
            }
        )
