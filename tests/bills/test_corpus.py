"""Every file of the corpus comes to what it was made of, to the last digit."""

import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from core.domain.bill_lines import Field
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
