"""The index of a bucket: listed, refreshed, searched, exported, against the real object storage."""

import csv
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from sqlmodel import select

from core.outscale import listing
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oos import Oos
from core.outscale.oos_pages import ListedPage
from core.services import bucket_index, sheets
from core.services.bucket_index import STALE, changes_of, index_of, objects_of, refresh
from core.services.bucket_pages import IndexPage, Search, export, object_of, page
from core.services.downloads import export_listing, within
from core.store.columns import now
from core.store.tables.bills import BucketIndex
from tests.services.conftest import ACTOR
from tests.services.own_bucket import Own

LONGEST = "odd/" + "/".join(["k" * 203] * 5)
"""A key of 1,023 bytes: the longest has 1,024."""
ODD = ["odd/../up.csv", "odd/a/c.csv", "odd/a b/é € 中/x+%20&?.csv", LONGEST, "odd/=HYPERLINK(1).csv"]


def refreshed(own: Own) -> bucket_index.IndexView:
    found = refresh(ACTOR, own.workspace, own.choice)
    assert found.problem is None, found.problem
    assert found.view == index_of(ACTOR, own.workspace, own.choice)
    return found.view


def looked(own: Own, offset: int = 0, limit: int = 1000, **search) -> IndexPage:
    return page(ACTOR, own.workspace, own.choice, Search(**search), offset, limit)


def row(own: Own) -> BucketIndex:
    with own.workspace.store.reading() as session:
        return session.exec(select(BucketIndex).where(BucketIndex.bucket == own.choice.bucket)).one()


def change_row(own: Own, **changes) -> None:
    with own.workspace.store.writing() as session:
        there = session.exec(select(BucketIndex).where(BucketIndex.bucket == own.choice.bucket)).one()
        for name, value in changes.items():
            setattr(there, name, value)


def written(own: Own, keys: pl.LazyFrame) -> None:
    """Put these objects into the index's file."""
    frame = keys.select(
        "key",
        size=pl.lit(1, pl.Int64),
        modified=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")),
        etag=pl.lit("e"),
        storage_class=pl.lit("STANDARD"),
    )
    frame.sink_parquet(own.workspace.settings.home / "index" / f"{row(own).id}.parquet")


def test_what_a_refresh_finds(own: Own) -> None:
    assert index_of(ACTOR, own.workspace, own.choice) is None
    own.put("idx/a.csv", b"12345")
    own.put("idx/b.csv", b"1")
    first = refreshed(own)
    assert first.state == "complete"
    assert (first.added, first.changed, first.deleted) == (0, 0, 0)
    assert changes_of(ACTOR, own.workspace, own.choice).is_empty()
    own.put("idx/b.csv", b"22")
    own.put("idx/c.csv", b"3")
    own.delete("idx/a.csv")
    second = refreshed(own)
    assert (second.added, second.changed, second.deleted) == (1, 1, 1)
    assert second.objects == first.objects
    assert second.size == first.size - 5 + 1 + 1
    changes = changes_of(ACTOR, own.workspace, own.choice)
    assert list(zip(changes["change"], changes["key"], changes["size"], strict=True)) == [
        ("new", "idx/c.csv", 1),
        ("changed", "idx/b.csv", 2),
        ("deleted", "idx/a.csv", 5),
    ]
    third = refreshed(own)
    assert (third.added, third.changed, third.deleted) == (0, 0, 0)
    assert len(own.events("buckets.refresh")) == 6  # a begin and an end each
    stored = object_of(ACTOR, own.workspace, own.choice, "idx/b.csv")
    assert stored
    assert stored == own.put("idx/b.csv", b"22").model_copy(update={"modified": stored.modified})
    assert object_of(ACTOR, own.workspace, own.choice, "idx/a.csv") is None


def test_odd_keys_are_listed_searched_and_exported(own: Own, tmp_path: Path) -> None:
    kept = [own.put(key, b"x").key for key in ODD if key != "odd/../up.csv"]
    refreshed(own)  # the sandbox's storage lists `a/` before `a b/`, as real ones do not: it is sorted here
    found = looked(own, prefix="odd/", recursive=True)
    assert [stored.key for stored in found.objects] == sorted(kept)
    assert [one.prefix for one in looked(own, prefix="odd/").folders] == ["odd/a/", "odd/a b/", LONGEST[:208]]
    export(ACTOR, own.workspace, own.choice, Search(prefix="odd/", recursive=True), "csv", tmp_path / "l.csv")
    with (tmp_path / "l.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["object key", "bytes", "modified (UTC)", "etag", "storage_class"]
    assert [line[0] for line in rows[1:]] == sorted(kept)
    assert datetime.fromisoformat(rows[1][2]).tzinfo


def test_a_listing_is_no_formula_in_a_spreadsheet(own: Own, tmp_path: Path) -> None:
    for key in ('=HYPERLINK("http://x","y").csv', "@SUM(A1).csv", "+1.csv", "-1.csv"):
        own.put(key, b"x")
    refreshed(own)
    for form in ("csv", "xlsx"):
        export(ACTOR, own.workspace, own.choice, Search(recursive=True, words=".csv"), form, tmp_path / f"l.{form}")
    with (tmp_path / "l.csv").open(newline="", encoding="utf-8") as file:
        texts = [line[0] for line in csv.reader(file)]
    sheet = openpyxl.load_workbook(tmp_path / "l.xlsx").active
    cells = [cell for (cell,) in sheet.iter_rows(max_col=1)]
    for names in (texts, [str(cell.value) for cell in cells]):
        assert sum(name[:2] in ("'=", "'@", "'+", "'-") for name in names) == 4
        assert not any(name.startswith(tuple("=@+-")) for name in names)
    assert all(cell.data_type == "s" for cell in cells)


def test_an_export_says_where_a_sheet_ends(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    own.put("many/a.csv", b"1")
    own.put("many/b.csv", b"1")
    refreshed(own)
    monkeypatch.setattr(sheets, "MOST_ROWS", 1)
    fetched = export_listing(ACTOR, own.workspace, own.choice, Search(prefix="many/"), "xlsx")
    assert fetched.problem
    assert "Export CSV instead" in str(fetched.problem)
    assert own.left() == []


def test_pages_folders_filters_and_orders(own: Own) -> None:
    sizes = {"p/1.csv": 5, "p/2.CSV.gz": 3, "p/3.json": 9, "p/q/4.csv": 7, "p/q/5.parquet": 1, "p/r/6.zip": 2}
    own.put("p/q/", b"")
    for key, size in sizes.items():
        own.put(key, b"x" * size)
    refreshed(own)
    whole = looked(own, prefix="p/")
    assert [(one.prefix, one.objects, one.size) for one in whole.folders] == [("p/q/", 2, 8), ("p/r/", 1, 2)]
    assert [stored.key for stored in whole.objects] == ["p/1.csv", "p/2.CSV.gz", "p/3.json"]
    assert (whole.total_folders, whole.total_objects, whole.total_size, whole.more) == (2, 6, 27, False)
    assert looked(own, prefix="p/q/").objects[0].key == "p/q/4.csv"  # its placeholder is not in it
    pages = [looked(own, offset, 2, prefix="p/") for offset in (0, 2, 4)]
    assert [one.more for one in pages] == [True, True, False]
    assert [len(one.folders) for one in pages] == [2, 0, 0]
    assert [stored.key for one in pages for stored in one.objects] == [stored.key for stored in whole.objects]

    def keys(**search) -> list[str]:
        return [stored.key for stored in looked(own, prefix="p/", recursive=True, **search).objects]

    assert keys(kind="csv") == ["p/1.csv", "p/2.CSV.gz", "p/q/4.csv"]
    assert keys(kind="packed") == ["p/2.CSV.gz", "p/r/6.zip"]
    assert keys(kind="parquet") == ["p/q/5.parquet"]
    assert keys(words="csv GZ") == ["p/2.CSV.gz"]
    assert keys(words="p/") == []  # the folder's own name is not searched
    assert keys(smallest=7) == ["p/3.json", "p/q/4.csv"]
    assert keys(largest=2, smallest=1) == ["p/q/5.parquet", "p/r/6.zip"]
    assert keys(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert len(keys(until=datetime.now(UTC) + timedelta(hours=1))) == 7
    assert keys(sort="size", descending=True, smallest=1)[:3] == ["p/3.json", "p/q/4.csv", "p/1.csv"]
    assert keys(sort="key", descending=True)[0] == "p/r/6.zip"
    assert {one.key for one in within(ACTOR, own.workspace, own.choice, ["p/q/", "p/r/"])} == {
        "p/q/4.csv", "p/q/5.parquet", "p/r/6.zip",
    }  # fmt: skip


def test_a_bucket_of_many_folders_is_listed_by_ranges(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {f"many/{number % 40:02}/{number:05}.csv" for number in range(2400)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: own.s3.put_object(Bucket=own.choice.bucket, Key=key, Body=b"x"), keys))
    own.made += keys
    asked = []
    plain = Oos.list_page

    def counted(self, bucket: str, **how) -> ListedPage:
        asked.append(how)
        return plain(self, bucket, **how)

    monkeypatch.setattr(Oos, "list_page", counted)
    monkeypatch.setattr(bucket_index, "_ROWS", 500)
    monkeypatch.setattr(listing, "BATCH", 300)
    told: list[tuple[int, int]] = []
    found = refresh(ACTOR, own.workspace, own.choice, lambda *now: told.append(now))
    assert found.problem is None
    listed = objects_of(ACTOR, own.workspace, own.choice).collect()
    assert listed["key"].is_sorted()
    assert listed["key"].n_unique() == len(listed) == found.view.objects == told[-1][0]
    assert keys <= set(listed["key"])
    assert len({how.get("after") for how in asked}) > 4  # it was listed from several places
    assert len(asked) < 20
    assert looked(own, prefix="many/").total_objects == 2400
    monkeypatch.setattr(ListedPage, "ordered", False)  # as of a storage whose order is its own
    again = refresh(ACTOR, own.workspace, own.choice)
    assert again.problem is None
    assert (again.view.objects, again.view.added, again.view.deleted) == (found.view.objects, 0, 0)
    assert objects_of(ACTOR, own.workspace, own.choice).collect()["key"].is_sorted()


def test_what_went_wrong_is_told_by_whichever_range_it_met(monkeypatch: pytest.MonkeyPatch) -> None:
    class Storage:
        """Refuses the last range, while all others still list."""

        def list_page(self, _bucket: str, *, prefix: str = "", delimiter: str = "", after: str = "") -> ListedPage:
            if delimiter:
                return ListedPage(
                    folders=[f"{letter}/" for letter in "bcdefghijklmnopqrstuvwxyz"] if not prefix else []
                )
            if after >= "w":
                raise OutscaleError(Trouble.FORBIDDEN, "No more.", "Ask its owner.")
            time.sleep(0.05)
            return ListedPage([f"{after}0"], [1], [""], [""], [""], token="more")

    with pytest.raises(OutscaleError):
        listing.list_ranges(Storage(), "b", lambda _: None, lambda *_: None, threading.Event())


def test_what_was_known_stays_when_a_refresh_fails(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    own.put("keep/a.csv", b"1")
    before = refreshed(own)

    def withdrawn(*_, **__) -> ListedPage:
        raise OutscaleError(Trouble.FORBIDDEN, "The key may not read the bucket.", "Ask its owner.")

    monkeypatch.setattr(Oos, "list_page", withdrawn)
    own.put("keep/b.csv", b"1")
    found = refresh(ACTOR, own.workspace, own.choice)
    assert found.problem
    assert "may not read" in found.problem.what
    assert (found.view.state, found.view.objects) == ("failed", before.objects)
    assert found.view.listed == before.listed
    assert "may not read" in found.view.problem
    assert [stored.key for stored in looked(own, prefix="keep/").objects] == ["keep/a.csv"]
    assert not list((own.workspace.settings.home / "index").glob(f"{row(own).id}.*-*"))


def test_a_bucket_that_is_gone_says_so(own: Own) -> None:
    found = refresh(ACTOR, own.workspace, replace(own.choice, bucket="no-such-bucket"))
    assert found.problem
    assert "There is no bucket no-such-bucket" in found.problem.what
    assert found.view.state == "failed"


def test_a_full_disk_is_said(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    found = refresh(ACTOR, own.workspace, own.choice)
    assert found.problem
    assert "has no room" in found.problem.what
    assert found.view.state == "failed"


def test_a_stopped_refresh_says_so(own: Own) -> None:
    stop = threading.Event()
    stop.set()
    found = refresh(ACTOR, own.workspace, own.choice, stop=stop)
    assert found.stopped
    assert found.problem is None
    assert found.view.state == "stopped"
    assert refreshed(own).state == "complete"


def test_another_ones_refresh_is_awaited(own: Own) -> None:
    refreshed(own)
    change_row(own, state="listing", worker_until=now() + timedelta(seconds=60))
    assert index_of(ACTOR, own.workspace, own.choice).state == "listing"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(refresh, ACTOR, own.workspace, own.choice)
        with pytest.raises(TimeoutError):
            waiting.result(1)
        change_row(own, state="complete", worker_until=None)
        found = waiting.result(10)
    assert found.problem is None
    assert found.view.state == "complete"


def test_a_refresh_that_was_cut_off_is_taken_over(own: Own) -> None:
    refreshed(own)
    change_row(own, state="listing", worker_until=now() - timedelta(seconds=1))
    assert index_of(ACTOR, own.workspace, own.choice).state == "stopped"
    assert refreshed(own).state == "complete"


def test_an_old_listing_is_stale(own: Own) -> None:
    assert not refreshed(own).stale
    change_row(own, listed=now() - STALE - timedelta(seconds=1))
    assert index_of(ACTOR, own.workspace, own.choice).stale


def test_an_index_whose_files_are_gone_is_none(own: Own) -> None:
    refreshed(own)
    for path in (own.workspace.settings.home / "index").iterdir():
        path.unlink()
    view = index_of(ACTOR, own.workspace, own.choice)
    assert (view.state, view.listed) == ("empty", None)
    assert looked(own) == IndexPage()


def test_folders_without_a_name(own: Own) -> None:
    refreshed(own)
    written(own, pl.LazyFrame({"key": ["/x.csv", "a//b.csv", "a/c.csv"]}))
    assert [one.prefix for one in looked(own).folders] == ["/", "a/"]
    assert [stored.key for stored in looked(own, prefix="/").objects] == ["/x.csv"]
    assert [one.prefix for one in looked(own, prefix="a/").folders] == ["a//"]
    assert [stored.key for stored in looked(own, prefix="a//").objects] == ["a//b.csv"]


def test_a_million_objects_are_not_loaded(own: Own) -> None:
    refreshed(own)
    number = pl.int_range(pl.len())
    folder = (number // 1000).cast(pl.String).str.zfill(3)
    keys = pl.format("f{}/o{}.csv", folder, number.cast(pl.String).str.zfill(7))
    written(own, pl.LazyFrame({"n": pl.int_range(1_000_000, eager=True)}).select(key=keys))
    first = looked(own, 0, 100)
    assert (len(first.folders), first.total_folders, first.total_objects, first.more) == (100, 1000, 1_000_000, True)
    last = looked(own, 999_950, 100, recursive=True)
    assert [stored.key for stored in last.objects][-1] == "f999/o0999999.csv"
    assert not last.more
    assert looked(own, prefix="f500/").total_objects == 1000
