"""Where the person is in the billing buckets, and how the address says it."""

from dataclasses import dataclass, field
from itertools import count

import streamlit as st

from core.domain.credentials import FieldProblem
from core.services.billing import BucketChoice, ProjectBuckets, bucket_choices
from core.services.bucket_pages import Search
from dashboard import address
from dashboard.session import actor, workspace

PLACE = "buckets.place"
PROJECTS = "buckets.projects"
FIELDS = "buckets.search"
LIMIT = "buckets.limit"
SIZES = (50, 100, 500, 1000)
ROWS = SIZES[1]
SORTS = {
    "Name": ("key", False),
    "Newest first": ("modified", True),
    "Oldest first": ("modified", False),
    "Largest first": ("size", True),
    "Smallest first": ("size", False),
}
KINDS = {"All": "", "CSV": "csv", "JSON": "json", "Excel": "xlsx", "Parquet": "parquet", "Packed": "packed"}
_BUCKET, _FOLDER, _FILE, _PAGE = "buckets.bucket", "buckets.folder", "buckets.file", "buckets.page"
_visits = count()


@dataclass
class Place:
    """A bucket, a folder, and the page. A new `visit` makes the table forget its ticks."""

    choice: BucketChoice
    prefix: str = ""
    offset: int = 0
    visit: int = field(default_factory=lambda: next(_visits))
    asked: bool = False
    """Whether this visit has seen to it that the listing is fresh."""
    problem: FieldProblem | None = None
    search: Search | None = None
    """What the page was of: another search begins with its first page."""
    key: str = ""
    """Object whose beginning is shown, until something else is chosen."""
    picked: bool = False
    """Whether it was chosen in the table, and not by the address."""

    def walk(self, prefix: str) -> None:
        """Go to a folder's first page."""
        self.prefix = prefix
        self.turn(0)

    def turn(self, offset: int) -> None:
        """Go to the page that begins there."""
        self.offset = offset
        self.visit = next(_visits)
        self.key, self.picked = "", False


def choices() -> list[BucketChoice]:
    """The buckets that may be looked into: of billing credentials, and of the project keys that were asked."""
    own = bucket_choices(actor(), workspace())
    looked: ProjectBuckets | None = st.session_state.get(PROJECTS)
    there = {(one.region, one.bucket) for one in own}
    return own + [one for one in looked.choices if (one.region, one.bucket) not in there] if looked else own


def _places() -> list[address.Place]:
    return [(one.bucket, one.region) for one in choices()]


def _rows(words: list[str]) -> int:
    return SIZES[SIZES.index(int(words[-1]))]


_TOP = address.place("bucket", _BUCKET, _places)
PARTS = (
    _TOP,
    address.text("folder", _FOLDER),
    address.text("file", _FILE),
    address.number("page", _PAGE),
    address.text("search", f"{FIELDS}.words"),
    address.one_of("order", f"{FIELDS}.order", lambda: SORTS, "Name"),
    address.day("from", f"{FIELDS}.from"),
    address.day("until", f"{FIELDS}.until"),
    address.amount("least", f"{FIELDS}.least"),
    address.amount("most", f"{FIELDS}.most"),
    address.one_of("kind", f"{FIELDS}.kind", lambda: KINDS, "All"),
    address.Part("rows", LIMIT, _rows, lambda value: [] if value == ROWS else [str(value)], ROWS),
)


def unknown() -> bool:
    """Whether the address names a bucket that may be one of a project key that was not asked yet."""
    wanted = st.query_params.get(_TOP.name)
    asked = PROJECTS in st.session_state
    return bool(wanted) and not asked and wanted not in {address.named(*one) for one in _places()}


def go_there() -> None:
    """Be where the address says, once it was read."""
    state = st.session_state
    state.pop(PLACE, None)
    for choice in choices():
        if (choice.bucket, choice.region) == state[_BUCKET]:
            offset = (state[_PAGE] - 1) * state[LIMIT]
            state[PLACE] = Place(choice, prefix=state[_FOLDER], offset=offset, key=state[_FILE])
            return


def keep(place: Place | None) -> None:
    """Let the address say where the person is; without a place, among all buckets."""
    state = st.session_state
    if place is None:
        state[_BUCKET] = None
        address.keep((_TOP,))
        return
    state[_BUCKET] = (place.choice.bucket, place.choice.region)
    state[_FOLDER], state[_FILE] = place.prefix, place.key
    state[_PAGE] = place.offset // state.get(LIMIT, ROWS) + 1
    address.keep(PARTS)
