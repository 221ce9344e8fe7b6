"""The files of an app: host.json, local.settings.json and the function.json files.

``folder.read_app`` reads the files. ``definitions`` has the dataclasses of their content.
"""
