"""The format of the management API: its paths, URLs, parameters and documents.

The HTTP API, the dashboard, the command line and the test kit use this package.
"""
