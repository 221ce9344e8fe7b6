"""Texts of exceptions in which the Azure Functions host hides credentials.

That host replaces everything that can be a credential in the message of an exception before an
orchestrator receives it.

Source: functions-host.md#errors (``RpcException.cs``, ``Sanitizer.cs``).
"""

from __future__ import annotations

import re

HIDDEN = "[Hidden Credential]"
"""The text in place of a credential."""
_CREDENTIALS = tuple(
    re.compile(rf"{beginning}[^<\"']*", re.IGNORECASE | re.ASCII)
    for beginning in (
        "(?<!(?-i:PublicKey))Token=",
        "DefaultEndpointsProtocol=http",
        "Data Source=",
        "Server=",
        "Password=",
        "pwd=",
        r"(?:&amp;|[&?])sig=",
        r"(?:&amp;|[&?])code=",
        "(?:Account|SharedAccess)?Key=",
    )
)
"""Credentials, each with the text up to its end."""
_URL_WITH_PASSWORD = re.compile(r"\b[a-zA-Z]+://[^:/\s]+:[^@/\s]+@[^:/\s]+:[0-9]+\b")


def without_credentials(message: str) -> str:
    """Return the message of an exception as orchestrators receive it on the Azure Functions host.

    A credential ends before the next ``<`` or quotation mark, so it can include other text.
    """
    hidden = message
    if "=" in message:
        for credential in _CREDENTIALS:
            hidden = credential.sub(HIDDEN, hidden)
    return _URL_WITH_PASSWORD.sub(HIDDEN, hidden) if ":" in message else hidden
