"""A whole object whose connection is cut on the way."""

import pytest

from core.outscale.errors import OutscaleError, Trouble
from core.outscale.resumed import RESUMED, open_whole, pieces_of
from tests.clients.conftest import oos, region_at
from tests.clients.listeners import Origin, Reply

FIRST = Reply(200, b"0123", {"ETag": '"e"'}, cut=True)  # announces a hundred bytes more than it gives
REST = Reply(206, b"x" * 100, {"ETag": '"e"', "Content-Range": "bytes 4-103/104"})
_XML = "<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>"
REPLACED = Reply(412, _XML.encode(), {"Content-Type": "application/xml"})


def test_it_is_gone_on_with_where_it_was_cut() -> None:
    with Origin(FIRST, REST) as origin:
        opened = open_whole(oos(region_at(origin.url)), "bills", "a.csv")
        assert (opened.size, opened.etag) == (104, "e")
        assert b"".join(opened.pieces) == b"0123" + b"x" * 100
        first, second = origin.seen
        assert "range" not in first.headers
        assert (second.headers["range"], second.headers["if-match"]) == ("bytes=4-", '"e"')


def test_a_file_is_not_put_together_from_two() -> None:
    with Origin(FIRST, REPLACED) as origin:
        pieces = pieces_of(oos(region_at(origin.url)), "bills", "a.csv", "e")
        with pytest.raises(OutscaleError) as caught:
            list(pieces)
        assert (caught.value.trouble, caught.value.code) == (Trouble.CONFLICT, "PreconditionFailed")
        assert "another object a.csv of the bucket bills now: it was replaced" in caught.value.what
        assert origin.seen[0].headers["if-match"] == '"e"'


def test_it_is_not_gone_on_with_for_ever() -> None:
    nothing = Reply(206, b"", {"ETag": '"e"', "Content-Range": "bytes 4-103/104"}, cut=True)
    with Origin(FIRST, nothing) as origin:
        with pytest.raises(OutscaleError) as caught:
            list(pieces_of(oos(region_at(origin.url)), "bills", "a.csv"))
        assert caught.value.trouble is Trouble.CONNECTION
        assert len(origin.seen) == 1 + RESUMED
