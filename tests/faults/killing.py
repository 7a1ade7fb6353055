"""Work that is killed with SIGKILL at a point of its way. It runs in a fork of this process, so that nothing but what
it wrote outlives the kill."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlmodel import Session

from core.store.store import Store

Here = Callable[[str], None]
"""Called at a point, with its name."""


def killed_at(point: int, work: Callable[[], None], mark: Callable[[Here], None]) -> tuple[bool, list[str]]:
    """Run the work in a fork that kills itself at the point of this number (0: never). Points are the moments before
    and after a commit, and those where `mark` has `Here` called. Gives whether it was killed, and the names of the
    points that it passed."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        passed = 0

        def here(name: str) -> None:
            nonlocal passed
            passed += 1
            os.write(writer, f"{name}\n".encode())
            if passed == point:
                os.kill(os.getpid(), signal.SIGKILL)

        _mark_commits(here)
        mark(here)
        work()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        names = said.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed"
    return os.WIFSIGNALED(status), names


def _mark_commits(here: Here) -> None:
    write = Store.writing

    @contextmanager
    def writing(self: Store, *, durable: bool = False) -> Iterator[Session]:
        with write(self, durable=durable) as session:
            yield session
            session.flush()
            here("before a commit")
        here("after a commit")

    Store.writing = writing  # type: ignore[method-assign]
