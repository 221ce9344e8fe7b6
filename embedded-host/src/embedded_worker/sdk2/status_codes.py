"""The status codes of gRPC by their numbers."""

from __future__ import annotations

from typing import cast

import grpc

STATUS_CODES: dict[int, grpc.StatusCode] = {
    cast("tuple[int, str]", code.value)[0]: code for code in grpc.StatusCode
}
