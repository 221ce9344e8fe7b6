"""Adapters between the engine and the Durable Functions SDK.

Each version of the SDK's protocol has a package.
"""
