"""A whole bucket listed: by several ranges of object keys at once where its folders allow it.

The storage gives at most 1,000 objects a request, each page after the one before. Folders are the way round: they say
where the object keys of a bucket can be cut into ranges, which are then listed side by side."""

import threading
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass, field

from core.outscale.oos import Oos
from core.outscale.oos_pages import ListedPage
from core.threads import KnowingThreads

RANGES = 8
"""Ranges that are listed at once."""
BATCH = 20_000
"""Objects that are handed on together; each range holds at most so many in memory."""
_LOOKS = 4
"""Requests for folders at most before the listing begins: they give few objects."""

Take = Callable[[ListedPage], None]
"""Gets a batch of objects; called from several threads."""
Seen = Callable[[int, int], None]
"""Told how many objects came, and their bytes; called from several threads."""


class UnorderedError(Exception):
    """The storage does not list in the order of object keys, so ranges of them cannot be told apart."""


class StoppedError(Exception):
    """Somebody asked for the end."""


def list_ranges(storage: Oos, bucket: str, take: Take, seen: Seen, stop: threading.Event) -> None:
    """List a bucket. The batches that `take` gets are in order of object keys within themselves, and no two overlap.

    Raises UnorderedError, OutscaleError, StoppedError; what `take` got is worth nothing then."""
    work = _Work(storage, bucket, take, seen, stop)
    first = work.ask("")
    seen(len(first.keys), sum(first.sizes))
    if not first.token:
        take(first)
        return
    work.begin(first)
    with KnowingThreads(RANGES, thread_name_prefix="listing") as pool:
        running = [pool.submit(work.run) for _ in range(RANGES)]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            work.over.set()
        for future in running:
            future.result()


def list_in_turn(storage: Oos, bucket: str, take: Take, seen: Seen, stop: threading.Event) -> None:
    """The same for a storage whose order is its own: page after page. The batches are in no order.

    Raises OutscaleError, StoppedError; what `take` got is worth nothing then."""
    batch, token = ListedPage(), ""
    while True:
        if stop.is_set():
            raise StoppedError
        page = storage.list_page(bucket, token=token)
        seen(len(page.keys), sum(page.sizes))
        batch.extend(page)
        token = page.token
        if len(batch.keys) >= BATCH or not token:
            take(batch)
            batch = ListedPage()
        if not token:
            return


@dataclass
class _Range:
    """Object keys after `at`, up to `end` and with it (None: to the bucket's end). `cuts`: where it can be cut."""

    at: str
    end: str | None
    cuts: list[str] = field(default_factory=list)


class _Work:
    """One listing by ranges under way."""

    def __init__(self, storage: Oos, bucket: str, take: Take, seen: Seen, stop: threading.Event) -> None:
        self._storage = storage
        self._bucket = bucket
        self._take = take
        self._seen = seen
        self._stop = stop
        self._lock = threading.Lock()
        self._waiting: list[_Range] = []
        self._running: list[_Range] = []
        self.over = threading.Event()

    def ask(self, after: str) -> ListedPage:
        """The objects after an object key."""
        if self._stop.is_set() or self.over.is_set():
            raise StoppedError
        page = self._storage.list_page(self._bucket, after=after)
        if not page.ordered or (page.keys and page.keys[0] <= after):
            raise UnorderedError
        return page

    def begin(self, first: ListedPage) -> None:
        """Hand on the first page, and cut what comes after it into ranges."""
        self._take(first)
        self._waiting = [_Range(first.keys[-1], None, self._folders(first.keys[-1]))]
        while len(self._waiting) < RANGES:
            longest = max(self._waiting, key=lambda one: len(one.cuts))
            if not longest.cuts:
                break
            self._waiting.append(_halved(longest))

    def run(self) -> None:
        """List ranges as long as there are any; halve another one's when there are none left."""
        while (mine := self._next()) is not None:
            self._list(mine)
            with self._lock:
                self._running.remove(mine)

    def _folders(self, after: str) -> list[str]:
        """Folders, those in the only few there are included, in order."""
        found: list[str] = []
        into = [""]
        for _ in range(_LOOKS):
            if not into or len(found) >= 2 * RANGES:
                break
            page = self._storage.list_page(self._bucket, prefix=into.pop(0), delimiter="/", after=after)
            found += page.folders
            into += page.folders
        return sorted({folder for folder in found if folder > after})

    def _next(self) -> _Range | None:
        with self._lock:
            if self._waiting:
                mine = self._waiting.pop()
            else:
                for one in self._running:
                    del one.cuts[: bisect_right(one.cuts, one.at)]
                longest = max(self._running, key=lambda one: len(one.cuts), default=None)
                if longest is None or len(longest.cuts) < 2:
                    return None
                mine = _halved(longest)
            self._running.append(mine)
            return mine

    def _list(self, mine: _Range) -> None:
        batch = ListedPage()
        while True:
            page = self.ask(mine.at)
            with self._lock:  # the end may have been moved here meanwhile
                ends = not page.token
                if mine.end is not None and page.keys and page.keys[-1] >= mine.end:
                    page, ends = _until(page, mine.end), True
                if page.keys:
                    mine.at = page.keys[-1]
            self._seen(len(page.keys), sum(page.sizes))
            batch.extend(page)
            if batch.keys and (ends or len(batch.keys) >= BATCH):
                self._take(batch)
                batch = ListedPage()
            if ends:
                return


def _halved(one: _Range) -> _Range:
    """Take the later half of a range away from it."""
    middle = len(one.cuts) // 2
    later = _Range(one.cuts[middle], one.end, one.cuts[middle + 1 :])
    one.end, one.cuts = one.cuts[middle], one.cuts[:middle]
    return later


def _until(page: ListedPage, end: str) -> ListedPage:
    """The page as far as an object key, that one included."""
    count = bisect_right(page.keys, end)
    return ListedPage(
        page.keys[:count], page.sizes[:count], page.modified[:count], page.etags[:count], page.classes[:count]
    )
