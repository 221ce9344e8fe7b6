"""Files in the folder FEATURES_FOLDER, used instead of blob storage."""

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from durabletask.payload import LargePayloadStorageOptions, PayloadStore

FOLDER = Path(os.environ.get("FEATURES_FOLDER", "."))


class ExportFiles:
    """The writer of the history export: a file for each instance."""

    def write(
        self,
        *,
        instance_id: str,
        container: str,
        blob_name: str,
        payload: bytes,
        content_type: str,
        content_encoding: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        path = FOLDER / "exports" / container / blob_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(payload)


class PayloadFiles(PayloadStore):
    """The store of large payloads: a file for each payload."""

    @property
    def options(self) -> LargePayloadStorageOptions:
        return LargePayloadStorageOptions(threshold_bytes=100_000, enable_compression=False)

    def upload(self, data: bytes, *, instance_id: str | None = None) -> str:
        path = FOLDER / "payloads" / uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f"payload-file:{path.name}"

    async def upload_async(self, data: bytes, *, instance_id: str | None = None) -> str:
        return self.upload(data, instance_id=instance_id)

    def download(self, token: str) -> bytes:
        return (FOLDER / "payloads" / token.removeprefix("payload-file:")).read_bytes()

    async def download_async(self, token: str) -> bytes:
        return self.download(token)

    def is_known_token(self, value: str) -> bool:
        return value.startswith("payload-file:")
