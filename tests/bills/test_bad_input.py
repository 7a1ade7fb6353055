"""Broken, hostile and odd files: each says what is wrong, and what can be read is read."""

import gzip
import io
import zipfile
import zlib
from decimal import Decimal

import polars as pl
import pytest

from core.bills.limits import Limits
from core.bills.tables import Opened, open_tables
from tests.bills.conftest import Read
from tests.bills.figures import Corpus
from tests.bills.forms import outscale, workbook, written, zipped
from tests.bills.make_corpus import FOLDER

HEADER = "Date,Service,Cost\n"
ROWS = [f"2026-03-{day:02},VM,{day}.25" for day in range(1, 29)]
TEXT = HEADER + "\n".join(ROWS) + "\n"
SUM = sum((Decimal(f"{day}.25") for day in range(1, 29)), Decimal(0))


def opened(tmp_path, name: str, content: bytes, **limits: int) -> Opened:
    path = tmp_path / "object"
    path.write_bytes(content)
    work = tmp_path / "work"
    work.mkdir()
    return open_tables(path, name, work, limits=Limits(**limits))


def said(found: Opened) -> str:
    return " ".join(f"{one.what} {one.mend}" for one in found.problems)


def locked_zip() -> bytes:
    """A zip whose one file says that it is encrypted: Python writes none, and reads the flag."""
    content = bytearray(zipped(("secret.csv", TEXT.encode())))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "state", "words"),
    [
        ("empty.csv", b"", "not_a_bill", "is empty"),
        ("blank.csv", b"\xef\xbb\xbf\r\n \n", "not_a_bill", "is empty"),
        ("bill.csv", b"%PDF-1.7 ...", "not_a_bill", "a PDF document"),
        ("bill.xls", b"\xd0\xcf\x11\xe0" + bytes(100), "not_a_bill", "an old Office document"),
        ("bill.bin", bytes(range(256)) * 40, "not_a_bill", "binary data"),
        ("words.txt", b"Only words.\nNothing else.\n", "not_a_bill", "text"),
        ("head.csv", HEADER.encode(), "read", "has a header and no rows"),
        ("locked.zip", locked_zip(), "not_a_bill", "protected with a password"),
        ("cut.zip", zipped(("a.csv", TEXT.encode()))[:-30], "not_a_bill", "damaged or cut off"),
        ("cut.parquet", (FOLDER / "table.parquet").read_bytes()[:-100], "not_a_bill", "broken or cut Parquet"),
        ("cut.xlsx", (FOLDER / "book.xlsx").read_bytes()[:-200], "not_a_bill", "damaged or cut off"),
        ("cut.json", b'[{"Date": "2026-03-01", "Cost": 1}, {"Da', "read", "breaks"),
        ("other.csv", b"Fruit,Colour\napple,red\npear,green\n", "unknown_layout", "Map them"),
    ],
)
def test_what_is_no_sound_table_says_so(name: str, content: bytes, state: str, words: str, read: Read) -> None:
    found = read(name, content)
    assert found.state == state
    assert words in found.problem


def test_a_cut_gzip_gives_what_came_before(read: Read) -> None:
    text = written(outscale(Corpus().figures(4000)))
    packed = gzip.compress(text.encode())
    found = read("bill.csv.gz", packed[: len(packed) // 2])
    assert found.state == "read"
    assert "ends too early" in found.problem
    whole = read("bill.csv.gz", packed)
    assert 0 < found.accepted < whole.accepted == 4000


def test_a_damaged_gzip_gives_what_came_before(read: Read) -> None:
    packed = bytearray(gzip.compress(written(outscale(Corpus().figures(4000))).encode()))
    packed[-4000:-3900] = bytes(100)
    found = read("bill.csv.gz", bytes(packed))
    assert found.state == "read"
    assert "is damaged" in found.problem


def test_bombs_are_left_packed(tmp_path) -> None:
    bomb = gzip.compress(bytes(8 << 20))
    found = opened(tmp_path, "bomb.csv.gz", bomb, ratio=100, ratio_from=1 << 20)
    assert "more than 100 times its size" in said(found)
    assert sum(one.stat().st_size for one in tmp_path.rglob("*") if one.is_file()) < 3 << 20


def test_a_zip_of_bombs_is_left_packed(tmp_path) -> None:
    bomb = zipped(("a.csv", bytes(8 << 20)), ("b.csv", TEXT.encode()))
    found = opened(tmp_path, "bomb.zip", bomb, ratio=100, ratio_from=1 << 20)
    assert "a.csv in the zip: it unpacks to more than 100 times" in said(found)
    assert [table.name for table in found.tables] == ["b.csv"]


def test_a_zip_of_too_many_files(tmp_path) -> None:
    many = zipped(*((f"{number}.csv", TEXT.encode()) for number in range(12)))
    found = opened(tmp_path, "many.zip", many, entries=5)
    assert "holds 12 files, more than the 5 that are read" in said(found)
    assert len(found.tables) == 5


def test_names_in_a_zip_are_never_paths(tmp_path) -> None:
    found = opened(tmp_path, "paths.zip", zipped(("../../outside.csv", TEXT.encode()), ("/etc/x.csv", TEXT.encode())))
    assert [table.name for table in found.tables] == ["../../outside.csv", "/etc/x.csv"]
    assert not (tmp_path.parent / "outside.csv").exists()
    assert all(path.is_relative_to(tmp_path) for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("separator", [",", ";"])
def test_ten_million_columns(tmp_path, separator: str) -> None:
    found = opened(tmp_path, "wide.csv", separator.join(["x"] * 10_000_000).encode())
    assert not found.tables
    assert "line of more than 1,024 KiB" in said(found)


def test_more_columns_than_are_read(tmp_path) -> None:
    found = opened(tmp_path, "wide.csv", (",".join(f"c{number}" for number in range(3000)) + "\n1,2\n").encode())
    assert not found.tables
    assert "has 3,000 columns, more than the 2,000" in said(found)


def test_one_endless_line_among_others(read: Read) -> None:
    found = read("bill.csv", (TEXT + "2026-03-29,VM," + "9" * (3 << 20) + "\n2026-03-30,VM,5.00\n").encode())
    assert found.state == "read"
    assert found.accepted + found.refused == 30
    assert found.refused == 1
    assert found.sums == {"XXX": SUM + 5}


def test_a_quote_that_is_never_closed(read: Read) -> None:
    lines = TEXT.splitlines()
    lines[5] = '2026-03-05,"VM,5.25'
    found = read("bill.csv", ("\n".join(lines) + "\n").encode())
    assert (found.accepted, found.refused) == (27, 1)
    assert found.sums == {"XXX": SUM - Decimal("5.25")}
    refused = pl.read_parquet(found.refused_lines)
    assert refused.row(0, named=True)["line"] == 6
    assert "not closed" in refused.row(0, named=True)["reason"]


def test_lines_with_another_separator_are_counted(read: Read) -> None:
    lines = TEXT.splitlines()
    lines[7] = lines[7].replace(",", ";")
    found = read("bill.csv", "\n".join(lines).encode())
    assert (found.accepted, found.refused) == (27, 1)
    assert pl.read_parquet(found.refused_lines)["line"].to_list() == [8]


def test_a_line_in_another_encoding(read: Read) -> None:
    content = TEXT.encode() + "2026-03-29,Données,1.00\n".encode("latin-1") + "2026-03-30,Données,1.00\n".encode()
    found = read("bill.csv", content)
    assert (found.accepted, found.refused) == (30, 0)
    assert found.sums == {"XXX": SUM + 2}


def test_days_that_cannot_be_are_refused_with_their_costs(read: Read) -> None:
    found = read("bill.csv", (TEXT + "2026-02-30,VM,7.50\n31/12/2026,VM,1.00\n").encode())
    assert (found.accepted, found.refused) == (28, 2)
    assert found.refused_sum == Decimal("8.50")
    assert sum(found.sums.values()) + found.refused_sum == SUM + Decimal("8.50")


def test_a_workbook_that_lies_about_its_size(read: Read) -> None:
    content = workbook({"Bill": [["Date", "Service", "Cost"], *([row.split(",") for row in ROWS])]})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace(b'<dimension ref="A1:C29"', b'<dimension ref="A1:C2"'))
    assert read("bill.xlsx", out.getvalue()).accepted == 28


def test_a_gzip_within_a_gzip_of_nothing(read: Read) -> None:
    assert "is empty" in read("none.csv.gz", gzip.compress(b"")).problem
    deflated = zlib.compress(TEXT.encode())
    assert read("bill.csv", deflated).state == "not_a_bill"
