"""The format of the Durable management API: its paths, URLs, parameters and documents.

The HTTP API, the dashboard, the CLI and the test kit share it.
"""
