"""The scheduler: task hubs for workers and clients of durabletask, over gRPC.

It needs the extra ``scheduler``. ``embedded_worker.sdk2`` has the gRPC server and the conversion of
protobuf messages.
"""
