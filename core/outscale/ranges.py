"""An object as a file that can be read anywhere, without being fetched whole."""

import io

from typing_extensions import Buffer

from core.outscale.oos import Oos

PIECE = 64 * 1024
"""Bytes of a request: zip directories and Parquet footers mostly fit into one."""


def open_ranges(storage: Oos, bucket: str, key: str, size: int, etag: str) -> io.BufferedReader:
    """The object of this size and ETag. What is read is fetched then; reading raises OutscaleError, with the code
    PreconditionFailed when the object was replaced."""
    return io.BufferedReader(_Ranges(storage, bucket, key, size, etag), PIECE)


class _Ranges(io.RawIOBase):
    def __init__(self, storage: Oos, bucket: str, key: str, size: int, etag: str) -> None:
        super().__init__()
        self._storage = storage
        self._object = (bucket, key)
        self._size = size
        self._etag = etag
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        length = min(len(view), self._size - self._at)
        content = self._storage.read(*self._object, start=self._at, length=length, etag=self._etag)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)
