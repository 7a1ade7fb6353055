"""The beginning of any object, without fetching it whole."""

import csv
import gzip
import io
import json
import random

import polars as pl
import pytest
import zstandard

from core.domain.bill_lines import Dialect
from core.domain.credentials import FieldProblem
from core.outscale.oos import Oos
from core.services.preview import HEAD, ROWS, Preview, preview
from tests.bills.forms import workbook, zipped
from tests.bills.make_corpus import FOLDER
from tests.services.conftest import ACTOR
from tests.services.own_bucket import Own

HEADER = ["Date", "Service", "Cost"]


def table(rows: int, **dialect: str) -> str:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n", **dialect)
    write.writerow(HEADER)
    noise = random.Random(1)  # noqa: S311 - so that it does not pack to nothing
    write.writerows([f"2026-03-{day % 28 + 1:02}", f"{noise.random()}", f"{day}.25"] for day in range(rows))
    return out.getvalue()


LARGE = table(60_000)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of every reading."""
    sizes: list[int] = []
    plain = Oos.read

    def counted(self: Oos, *what, **how) -> bytes:
        answer = plain(self, *what, **how)
        sizes.append(len(answer))
        return answer

    monkeypatch.setattr(Oos, "read", counted)
    return sizes


def looked(own: Own, key: str, content: bytes, **how) -> Preview:
    own.put(key, content)
    found = preview(ACTOR, own.workspace, own.choice, key, **how)
    assert isinstance(found, Preview), found
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir() if path.name != "expected.json"))
def test_every_file_of_the_corpus_shows_its_rows(own: Own, name: str) -> None:
    found = looked(own, f"preview/{name}", (FOLDER / name).read_bytes())
    assert found.rows.height >= 8
    assert found.rows.width >= 3
    assert found.whole
    assert not found.problems or name == "too-long-line.csv"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", LARGE.encode(), "CSV"),
        ("a.csv.gz", gzip.compress(LARGE.encode()), "CSV in gzip"),
        ("a.csv.zst", zstandard.compress(LARGE.encode()), "CSV in zstd"),
        ("a.zip", zipped(("a.csv", LARGE.encode())), "CSV in zip"),
        ("a.json", json.dumps([{"a": str(number), "b": "x" * 20} for number in range(20_000)]).encode(), "JSON"),
        ("a.jsonl", "\n".join(json.dumps({"a": number, "b": "x" * 20}) for number in range(20_000)).encode(), "JSON"),
        ("a.xlsx", workbook({"One": [HEADER, *([str(n), str(n * n), f"{n}.25"] for n in range(30_000))]}), "XLSX"),
    ],
)
def test_only_the_beginning_is_fetched(own: Own, name: str, content: bytes, kind: str, fetched: list[int]) -> None:
    assert len(content) > 1.4 * HEAD
    found = looked(own, f"preview/large/{name}", content)
    assert found.kind.startswith(kind)
    assert found.rows.height == ROWS
    assert not found.whole
    assert not found.problems
    assert sum(fetched) < 2.3 * HEAD


def test_a_large_parquet_is_read_by_ranges(own: Own, fetched: list[int]) -> None:
    noise = random.Random(1)  # noqa: S311 - so that it does not pack to nothing
    columns = {f"c{number}": [noise.randbytes(8).hex() for _ in range(40_000)] for number in range(8)}
    out = io.BytesIO()
    pl.DataFrame(columns).write_parquet(out, row_group_size=2_000)
    content = out.getvalue()
    assert len(content) > 2 << 20
    found = looked(own, "preview/large.parquet", content)
    assert found.rows.height == ROWS
    assert sum(fetched) < len(content) / 2


def test_the_dialect_is_shown_and_can_be_corrected(own: Own) -> None:
    content = "Titre\n\nDate;Libellé;Coût\n2026-03-01;Été;1,50\n2026-03-02;Noël;2,50\n".encode("latin-1")
    found = looked(own, "preview/french.csv", content)
    assert found.dialect == Dialect(encoding="cp1252", separator=";", decimal=",", skip=2)
    assert found.rows["Coût"].to_list() == ["1,50", "2,50"]
    wrong = found.dialect.model_copy(update={"separator": ",", "skip": 0, "header": False})
    other = looked(own, "preview/french.csv", content, dialect=wrong)
    assert other.dialect == wrong
    assert other.rows.rows() != found.rows.rows()


def test_what_is_inside_a_zip_can_be_chosen(own: Own) -> None:
    content = zipped(("one.csv", b"a,b\n1,2\n"), ("two.csv", b"c,d\n3,4\n"), ("notes.txt", b"Only words.\n"))
    found = looked(own, "preview/three.zip", content)
    assert (found.inside, found.chosen) == (["one.csv", "two.csv", "notes.txt"], "one.csv")
    assert found.rows.columns == ["a", "b"]
    assert looked(own, "preview/three.zip", content, inside="two.csv").rows.rows() == [("3", "4")]
    assert "Only words" in looked(own, "preview/three.zip", content, inside="notes.txt").text


def test_the_sheets_of_a_workbook_can_be_chosen(own: Own) -> None:
    content = workbook({"March": [HEADER, ["2026-03-01", "VM", 1.5]], "April": [HEADER, ["2026-04-01", "VM", 2.5]]})
    found = looked(own, "preview/two.xlsx", content)
    assert (found.inside, found.chosen) == (["March", "April"], "March")
    assert looked(own, "preview/two.xlsx", content, inside="April").rows.rows() == [("2026-04-01", "VM", "2.5")]


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("a.pdf", b"%PDF-1.7", "a PDF document", "Download it"),
        ("a.bin", bytes(range(256)) * 9, "binary data", "binary data"),
        ("a.csv", b"", "empty", "is empty"),
        ("a.zip", zipped(("a.csv", LARGE.encode()))[:-40], "zip", "damaged or cut off"),
        ("a.parquet", b"PAR1" + bytes(99), "Parquet", "broken or cut Parquet"),
        ("a.csv.gz", gzip.compress(table(3000).encode())[:-3000], "CSV in gzip", "ends too early"),
        ("b.csv", b"a,b\n1,2\n3,4,5,6\n7,8\n", "CSV", "It has 4 cells"),
        ("c.csv", b'a,b\n1,2\n"3,4\n7,8\n', "CSV", "not closed"),
    ],
)
def test_what_is_broken_says_where(own: Own, name: str, content: bytes, kind: str, words: str) -> None:
    found = looked(own, f"preview/broken/{name}", content)
    assert found.kind == kind
    said = " ".join(f"{one.what} {one.mend}" for one in found.problems)
    assert words in said
    if name in ("b.csv", "c.csv"):
        assert found.problems[0].line == 3
        assert found.rows.rows() == [("1", "2"), ("7", "8")]


def test_text_that_is_no_table_is_shown(own: Own) -> None:
    found = looked(own, "preview/readme.txt", b"Bills of Harbour Works.\nOne file a month.\n")
    assert found.text.startswith("Bills of Harbour Works.")
    assert found.whole


def test_an_object_that_is_gone_says_so(own: Own) -> None:
    found = preview(ACTOR, own.workspace, own.choice, "no/such.csv")
    assert isinstance(found, FieldProblem)
    assert "There is no object" in found.what


def test_an_object_replaced_while_it_is_read(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped(("a.csv", LARGE.encode()))
    plain = Oos.size_of

    def replaced(self: Oos, bucket: str, key: str) -> tuple[int, str]:
        answer = plain(self, bucket, key)
        own.put(key, content + b"more")
        return answer

    monkeypatch.setattr(Oos, "size_of", replaced)
    own.put("preview/replaced.zip", content)
    found = preview(ACTOR, own.workspace, own.choice, "preview/replaced.zip")
    assert isinstance(found, FieldProblem)
    assert "it was replaced" in found.what
