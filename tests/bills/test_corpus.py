"""Every file of the corpus comes to what it was made of, to the last digit."""

import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.domain.bill_lines import Field
from core.services import bill_reading
from tests.bills.conftest import Read
from tests.bills.make_corpus import FOLDER, expected, make

EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def test_the_corpus_is_what_the_script_makes() -> None:
    files = make()
    assert expected(files) == EXPECTED
    assert len(files) >= 40
    for one in files:
        if not one.name.endswith((".xlsx", ".parquet")):  # these hold the time or the library's version
            assert (FOLDER / one.name).read_bytes() == one.content, one.name


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_comes_to_its_sum(name: str, read: Read) -> None:
    wanted = EXPECTED[name]
    found = read(name, (FOLDER / name).read_bytes())
    assert found.state == "read", found.problem
    assert found.layout == wanted["layout"]
    assert found.sums == {currency: Decimal(amount) for currency, amount in wanted["sums"].items()}
    assert (found.accepted, found.refused) == (wanted["accepted"], wanted["refused"])
    assert found.refused_sum == Decimal(wanted["refused_sum"])
    assert found.days == tuple(map(date.fromisoformat, wanted["days"]))
    lines = pl.read_parquet(found.lines)
    assert sum(lines[Field.COST]) == sum(found.sums.values())
    assert lines["line"].n_unique() == len(lines) or name in {"two.zip", "sheets.xlsx"}


def test_what_is_summed_before_its_lines_are_kept_comes_to_the_same(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = set()
    for name in EXPECTED:
        content = (FOLDER / name).read_bytes()
        monkeypatch.setattr(bill_reading, "LARGE", len(content) + 1)
        whole = read(name, content)
        monkeypatch.setattr(bill_reading, "LARGE", 0)
        first = read(name, content)
        for field in ("state", "layout", "accepted", "refused", "sums", "days", "accounts", "months"):
            assert getattr(first, field) == getattr(whole, field), (name, field)
        sums = [pl.read_parquet(one.summary).sort(pl.all()) for one in (first, whole)]
        assert_frame_equal(*sums, check_row_order=False)
        if first.later:
            assert first.lines is None
            soon.add(name)
    assert len(soon) >= 15, soon
