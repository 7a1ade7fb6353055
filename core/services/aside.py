"""Where a worker puts the bytes of large objects, sparing the system's memory of files.

What is written to a file fills that memory, page by page, and pushes out what is asked often, such as the index of a
bucket. A gigabyte of bills that is read once more, soon, is not worth that: giving it fresh pages takes longer than
copying it. So each worker fetches into one file, which it writes over, and what is put aside goes past that
memory (O_DIRECT)."""

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_BLOCK = 4096
_HELD = 4 << 20


class Aside:
    """A file that is written from beginning to end, past the system's memory where it lets us."""

    def __init__(self, path: Path) -> None:
        """Begin it.

        Raises OSError when it cannot be made."""
        self._held = mmap.mmap(-1, _HELD)  # begins at a page, as it must
        self._size = self._filled = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            self._file = os.open(path, flags | getattr(os, "O_DIRECT", 0), 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that does not know it
                raise
            self._file = os.open(path, flags, 0o600)

    def write(self, piece: bytes) -> None:
        """Go on with these bytes.

        Raises OSError when the disk does not take them."""
        rest = memoryview(piece)
        while rest:
            taken = rest[: _HELD - self._filled]
            self._held[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled == _HELD:
                self._put(_HELD)

    def _put(self, length: int) -> None:
        with memoryview(self._held) as held:
            done = 0
            while done < length:
                done += os.write(self._file, held[done:length])
        self._size += self._filled
        self._filled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            if self._filled and not raised[0]:
                self._put(-(-self._filled // _BLOCK) * _BLOCK)
                os.ftruncate(self._file, self._size)  # only whole blocks can be written
        finally:
            os.close(self._file)
            self._held.close()


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """This process's own file in `folder`, to be written over. Whoever made the folder removes it."""
    path = folder / f"scratch-{os.getpid()}"
    path.touch(mode=0o600)
    yield path
