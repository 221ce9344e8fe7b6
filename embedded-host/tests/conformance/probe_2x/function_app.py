"""The probe app for SDK 2.x. ``probe_app_2x.py`` writes the module ``compatible``."""

import azure.durable_functions as df
import azure.functions as func
from clients import clients
from compatible import compatible
from native import native
from probe_entities import probe_entities

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (compatible, native, probe_entities, clients):
    app.register_functions(blueprint)
