"""The kinds of findings of values that functions return, and of their exceptions.

Source: the recordings of the Azure Functions host, version 4.1037 with the Durable extension 3.19.0
(docs/reference/functions-host.md#encoding-per-hop), and the source code of Newtonsoft.Json.
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

NOT_A_NUMBER = Kind(
    "EH880",
    "NaN and Infinity in a value that the function {function} returns or sets become the strings "
    "'NaN', 'Infinity' and '-Infinity'",
    "Return None or a string instead of NaN and Infinity, which JSON cannot represent.",
)
METADATA = Kind(
    "EH881",
    "a dict that the function {function} returns loses its first items if their names are '$type', "
    "'$id', '$ref' or '$values'",
    "Use other names, or put another item first.",
)
LOST_ACTIONS = Kind(
    "EH882",
    "an instance of the orchestrator {function} fails with 'Non-Deterministic workflow detected' "
    "instead of the error of its output or custom status",
    "Return and set values that json.dumps accepts.",
)
LONE_SURROGATE = Kind(
    "EH888",
    "lone surrogates in a string that the function {function} returns or sets become U+FFFD",
    "Decode bytes with errors='replace' instead of errors='surrogateescape'.",
)
CREDENTIALS = Kind(
    "EH898",
    "the message of an exception of the activity {function} loses the part that begins like a "
    "credential, such as 'key=', 'token=' or 'password=', up to the next quotation mark or '<'",
    "Return the data that the orchestrator needs from the activity instead of raising it, and keep "
    "these words out of messages.",
)
