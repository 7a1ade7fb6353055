"""Where a worker puts the bytes of large objects, sparing the system's memory of files.

What is written to a file fills that memory, page by page, and pushes out what is asked often, such as the index of a
bucket. A gigabyte of bills that is read once more, soon, is not worth that: giving it fresh pages takes longer than
copying it. So each thread fetches into one file, which it writes over, and what is put aside goes past that
memory (O_DIRECT)."""

import errno
import mmap
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

_BLOCK = 4096
_HELD = 4 << 20


class Aside:
    """A file that is written from beginning to end, past the system's memory where it lets us. While the disk takes one
    part the next is collected."""

    def __init__(self, path: Path) -> None:
        """Begin it.

        Raises OSError when it cannot be made."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            self._file = os.open(path, flags | getattr(os, "O_DIRECT", 0), 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that does not know it
                raise
            self._file = os.open(path, flags, 0o600)
        self._parts = [mmap.mmap(-1, _HELD), mmap.mmap(-1, _HELD)]  # begin at a page, as they must
        self._filled = self._size = 0
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._under_way: Future[None] | None = None

    def write(self, piece: bytes) -> None:
        """Go on with these bytes.

        Raises OSError when the disk does not take them or those before."""
        rest = memoryview(piece)
        while rest:
            taken = rest[: _HELD - self._filled]
            self._parts[0][self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled == _HELD:
                self._put(_HELD)

    def _put(self, length: int) -> None:
        self._wait()
        self._under_way = self._disk.submit(_written, self._file, self._parts[0], length)
        self._parts.reverse()
        self._size += self._filled
        self._filled = 0

    def _wait(self) -> None:
        if self._under_way:
            self._under_way.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            if not raised[0]:
                if self._filled:
                    self._put(-(-self._filled // _BLOCK) * _BLOCK)
                self._wait()
                os.ftruncate(self._file, self._size)  # only whole blocks can be written
        finally:
            self._disk.shutdown()
            os.close(self._file)
            for part in self._parts:
                part.close()


def _written(file: int, part: mmap.mmap, length: int) -> None:
    with memoryview(part) as held:
        done = 0
        while done < length:
            done += os.write(file, held[done:length])


def scratch(folder: Path) -> Path:
    """This thread's own file in `folder`, to be written over. Whoever made the folder removes it."""
    path = folder / f"scratch-{threading.get_native_id()}"
    path.touch(mode=0o600)
    return path
