"""What an app is: host.json, local.settings.json and every function.json on disk, as values.

Start with ``definitions`` (the vocabulary), then ``folder.read_app`` (the way in).
"""
