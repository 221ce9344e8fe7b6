"""The access keys of ``--auth``: where they are stored and what each allows, as on the Azure Functions host (functions-host.md#authorization)."""
