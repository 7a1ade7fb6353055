"""In which order bill files are read: all are summed first; then the lines of the large ones are kept."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from core.domain.bill_lines import Dialect, Mapping
from core.domain.credentials import FieldProblem
from core.services.bill_reading import Understood
from core.services.billing import BucketChoice
from core.services.cost_engine import Task

HELD = 4 << 30
"""Bytes of objects whose lines are kept later that may stand on the disk, before some are kept first."""


@dataclass(frozen=True)
class Waiting:
    """A file to be read."""

    choice: BucketChoice
    key: str
    etag: str
    size: int
    modified: datetime
    mapping: Mapping | None
    dialect: Dialect | None


@dataclass
class Order:
    """The files of one reading, and how far each is."""

    waiting: deque[Waiting]
    folder: Path
    """Where this reading puts down what it has under way."""
    later: deque[tuple[Waiting, Task]] = field(default_factory=deque)
    held: int = 0
    """Bytes of the objects that stand on the disk for their lines."""
    running: dict[Future[Understood], tuple[Waiting, Task]] = field(default_factory=dict)

    def next(self, make: Callable[[Waiting, Path], Task | FieldProblem]) -> tuple[Waiting, Task | FieldProblem] | None:
        """The next file and what is to be done with it, or what keeps it from being read; None while there is none."""
        summing = bool(self.waiting) or any(not task.reading.lines for _, task in self.running.values())
        if self.later and (self.held > HELD or not summing):
            one, task = self.later.popleft()
            self.held -= one.size
            return one, replace(task, reading=replace(task.reading, lines=True))
        if not self.waiting:
            return None
        one = self.waiting.popleft()
        return one, make(one, self.folder)

    def keep_later(self, one: Waiting, task: Task) -> None:
        """Keep the lines of a file when all are summed."""
        self.later.append((one, task))
        self.held += one.size
