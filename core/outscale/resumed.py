"""A whole object, gone on with where the connection was cut."""

from collections.abc import Iterator

from core.outscale.errors import OutscaleError
from core.outscale.oos import Oos

RESUMED = 5
"""How often an object whose connection is cut is gone on with."""


def pieces_of(storage: Oos, bucket: str, key: str, etag: str = "") -> Iterator[bytes]:
    """The bytes of an object piece by piece, all of one version of it: the one with this ETag, or the present one.

    Raises OutscaleError; its code is PreconditionFailed when the object was replaced meanwhile."""
    opened = storage.open(bucket, key, etag=etag)
    size, etag, pieces = opened.size, opened.etag, opened.pieces
    done = 0
    for attempt in range(RESUMED + 1):
        try:
            for piece in pieces:
                done += len(piece)
                yield piece
            return
        except OutscaleError as error:
            if not error.passing or attempt == RESUMED:
                raise
        if done >= size:
            return
        # With the ETag, so that no file is put together from two.
        pieces = storage.open(bucket, key, start=done, etag=etag).pieces
