"""An app for SDK 2.x that uses every durable feature."""

import azure.durable_functions as df
import azure.functions as func
from activities import activities
from client import client_functions
from compatible import compatible
from files import ExportFiles, PayloadFiles
from native import native
from native_entities import native_entities

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (activities, client_functions, compatible, native, native_entities):
    app.register_functions(blueprint)
app.configure_scheduled_tasks()
app.configure_history_export(writer=ExportFiles())
app.configure_large_payloads(payload_store=PayloadFiles())
