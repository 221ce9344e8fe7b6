"""The scheduler: task hubs for workers and clients of durabletask, over gRPC.

This package needs the extra ``scheduler``. ``embedded_worker.sdk2`` contains the gRPC server and
converts the protobuf messages.
"""
