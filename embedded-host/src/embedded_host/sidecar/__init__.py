"""The gRPC API of the Durable Task SDKs (``TaskHubSidecarService``), without its transport.

Requests and responses are the JSON form of the protobuf messages. A worker, or the gRPC server of
``embedded-host scheduler``, converts them (``embedded_worker/sdk2/rpc.py``).
"""
