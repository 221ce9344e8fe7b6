"""The protocol of the Durable Functions SDK 2.x: protobuf messages, which the worker decodes.

Requests and responses are JSON in the form of ``google.protobuf.json_format.MessageToDict``.
"""
