"""Whether the chain of the audit trail is whole: every line looked at once, in order, a thousand in memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, func, select

from core.domain.audit import FaultKind
from core.services.audit_chain import BEGIN, BROKEN, ChainKeys, Head, Line, lines, read_head, same, trails_gone
from core.store.tables.audit import Event

MOST_FAULTS = 1000
"""Faults that are told one by one; the others are counted."""
_MOVED_KNOWN = 10_000
"""Lines out of their place that are remembered, to see that what follows them follows something."""
_PROGRESS_EVERY = 1000

Progress = Callable[[int, int, str], None]
"""Told how many lines are checked, of how many, and what is being done."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line; `id` is None for the trail as a whole."""

    id: int | None
    kind: FaultKind
    what: str


@dataclass
class TrailReport:
    """What a look at the whole trail brought out. `lines` were checked; `begun`: when the chain began, and `earlier`:
    how many lines there were then, written before there was a chain and only safe since; `more`: faults beyond those
    that are told."""

    lines: int = 0
    begun: datetime | None = None
    earlier: int = 0
    faults: list[Fault] = field(default_factory=list)
    more: int = 0
    stopped: bool = False

    @property
    def whole(self) -> bool:
        """Whether every line was checked and nothing is wrong."""
        return not self.faults and not self.stopped

    @property
    def summary(self) -> str:
        """The outcome in a line."""
        if self.stopped:
            return f"Stopped after {self.lines:,} lines: the rest was not checked."
        wrong = len(self.faults) + self.more
        if wrong:
            return f"The trail is not whole: {self.lines:,} lines checked, {wrong:,} faults."
        begun = f" since {self.begun:%Y-%m-%d %H:%M} UTC" if self.begun else ""
        earlier = f" The {self.earlier:,} lines from before it were taken over as they stood." if self.earlier else ""
        return f"The trail is whole: {self.lines:,} lines, chained{begun}.{earlier}"

    def add(self, id: int | None, kind: FaultKind, what: str) -> None:
        """Tell a fault."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(id, kind, what))
        else:
            self.more += 1


def examine(
    session: Session, keys: ChainKeys, *, progress: Progress | None = None, stop: threading.Event | None = None
) -> TrailReport:
    """Check every line of the trail, and its end."""
    total = session.exec(select(func.count()).select_from(Event)).one()
    walk = _Walk(keys)
    for line in lines(session):
        walk.take(line)
        if walk.report.lines % _PROGRESS_EVERY == 0:
            if progress:
                progress(walk.report.lines, total, f"Line {line.id}")
            if stop and stop.is_set():
                walk.report.stopped = True
                return walk.report
    walk.end(read_head(session))
    if trails_gone(session):
        what = "The keys that seal the secrets were made with another trail. It was removed, and this one was begun."
        walk.report.add(None, FaultKind.KEY, what)
    return walk.report


class _Walk:
    """Goes along the chain. `_number` and `_mac` are those of the last line that stands where it belongs."""

    def __init__(self, keys: ChainKeys) -> None:
        self.report = TrailReport()
        self._keys = keys
        self._number = 0
        self._mac = ""
        self._mac_known = True
        self._moved: dict[str, None] = {}
        self._doubtful: Line | None = None
        """A line that is not authentic; the next one tells whether it was altered or inserted."""

    def take(self, line: Line) -> None:
        """Look at the next line."""
        self.report.lines += 1
        self._settle(line.previous)
        if not same(line.mac, self._keys.line_mac(line.fields)):
            self._doubtful = line
        elif line.number != line.id:
            self._found_elsewhere(line)
        else:
            self._found_here(line)

    def end(self, head: Head | None) -> None:
        """Look at the end of the trail."""
        if head is None or not head.fits(self._keys):
            self._settle(None)
            said = "is missing" if head is None else "was altered"
            what = f"The record of the trail's end {said}: whether its last lines are all there cannot be told."
            self.report.add(None, FaultKind.HEAD, what)
            return
        self._settle(head.mac)
        last = int(str(head.last))
        if head.mac == self._mac or head.mac in self._moved or (last == self._number and not self._mac_known):
            if not self.report.faults and head.count != str(self.report.lines):
                what = f"The trail has {self.report.lines} lines, and its end counts {head.count}."
                self.report.add(None, FaultKind.HEAD, what)
        elif last > self._number:
            self.report.add(None, FaultKind.CUT, f"{_range(self._number + 1, last)} removed from the end.")
        else:
            what = f"The record of the trail's end is an older one: it names line {last}, and others follow."
            self.report.add(None, FaultKind.HEAD, what)

    def _settle(self, following: str | None) -> None:
        """Tell what the doubtful line is. `following`: the MAC that the next line, or the end, follows."""
        line, self._doubtful = self._doubtful, None
        if line is None:
            return
        if following is not None and following == self._mac and following != line.mac:
            what = f"Line {line.id} was inserted: it is not in the chain."
            self.report.add(line.id, FaultKind.INSERTED, what)
            return
        self.report.add(line.id, FaultKind.ALTERED, f"Line {line.id} was altered, or was not written by this program.")
        self._number, self._mac = line.id, line.mac
        self._mac_known = following == line.mac

    def _found_elsewhere(self, line: Line) -> None:
        what = f"Line {line.id} was written as line {line.number}: it was moved or copied here."
        self.report.add(line.id, FaultKind.MOVED, what)
        self._moved[line.mac] = None
        if len(self._moved) > _MOVED_KNOWN:
            del self._moved[next(iter(self._moved))]

    def _found_here(self, line: Line) -> None:
        if line.fields["action"] == BROKEN:
            head = line.fields["details"]["head"]
            what = f"The chain begins anew at line {line.id}: the record of the trail's end was {head} by then."
            self.report.add(line.id, FaultKind.BROKEN, f"{what} What is before it may have been cut off.")
        elif line.previous != self._mac and line.previous not in self._moved and not self._follows_altered(line):
            self.report.add(line.id, FaultKind.MISSING, f"{_range(self._number + 1, line.id - 1)} removed.")
        if line.fields["action"] == BEGIN:
            self.report.begun = datetime.fromisoformat(line.fields["at"])
            self.report.earlier = line.fields["details"]["earlier"]
        self._number, self._mac, self._mac_known = line.id, line.mac, True

    def _follows_altered(self, line: Line) -> bool:
        """Whether it comes right behind a line whose own MAC was altered, so that no more can be told."""
        return not self._mac_known and line.id == self._number + 1


def _range(first: int, last: int) -> str:
    if first > last:
        return f"Lines before line {first} were"
    return f"Line {first} was" if first == last else f"Lines {first} to {last} were"
