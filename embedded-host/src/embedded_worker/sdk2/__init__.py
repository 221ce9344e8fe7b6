"""The parts of the worker for SDK 2.x, which is based on the package durabletask.

Protobuf messages are encoded and decoded here, with the app's own packages. The host reads JSON.
"""
