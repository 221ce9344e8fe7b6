"""Read an app: host.json, local.settings.json and function.json files become frozen dataclasses.

``definitions`` has the dataclasses, ``folder.read_app`` reads an app.
"""
