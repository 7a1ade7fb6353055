"""A whole object, gone on with where the connection was cut."""

from collections.abc import Generator, Iterator

from core.outscale.errors import OutscaleError
from core.outscale.oos import Oos, OpenedObject

RESUMED = 5
"""How often an object whose connection is cut is gone on with."""


def pieces_of(storage: Oos, bucket: str, key: str, etag: str = "") -> Iterator[bytes]:
    """The bytes of an object piece by piece, all of one version of it: the one with this ETag, or the present one.

    Raises OutscaleError; its code is PreconditionFailed when the object was replaced meanwhile."""
    return open_whole(storage, bucket, key, etag).pieces


def open_whole(storage: Oos, bucket: str, key: str, etag: str = "") -> OpenedObject:
    """The same, with the size and the ETag of the version that comes.

    Raises OutscaleError, and so do the pieces."""
    opened = storage.open(bucket, key, etag=etag)
    return OpenedObject(opened.size, opened.etag, _resumed(storage, bucket, key, opened))


def _resumed(storage: Oos, bucket: str, key: str, opened: OpenedObject) -> Generator[bytes, None, None]:
    done, pieces = 0, opened.pieces
    for attempt in range(RESUMED + 1):
        try:
            for piece in pieces:
                done += len(piece)
                yield piece
            return
        except OutscaleError as error:
            if not error.passing or attempt == RESUMED:
                raise
        if done >= opened.size:
            return
        # With the ETag, so that no file is put together from two.
        pieces = storage.open(bucket, key, start=done, etag=opened.etag).pieces
