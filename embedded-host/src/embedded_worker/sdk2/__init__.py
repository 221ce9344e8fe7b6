"""The parts of the worker for SDK 2.x, which is based on the package durabletask.

This package encodes and decodes protobuf messages with the app's own packages. The host reads and
writes JSON.
"""
