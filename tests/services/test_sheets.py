"""Tables for other programs: no cell is a formula there."""

from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook

from core.services.sheets import write

BEGINNINGS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
"""OWASP, CSV Injection; the last four are = + - @ in full width, which a spreadsheet may fold into these."""


@pytest.mark.parametrize("begins", BEGINNINGS)
def test_no_cell_is_a_formula(tmp_path: Path, begins: str) -> None:
    text = f"{begins}1+1"
    frame = pl.DataFrame({"what": [text, "plain", None], "cost": [-1, 2, 3]})
    write(frame, "csv", tmp_path / "a.csv")
    assert pl.read_csv(tmp_path / "a.csv")["what"].to_list() == [f"'{text}", "plain", None]
    write(frame, "xlsx", tmp_path / "a.xlsx")
    cells = [row[0] for row in load_workbook(tmp_path / "a.xlsx").active.iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells[:2]] == ["s", "s"]
    assert str(cells[0].value).startswith("'")
    assert frame["cost"].to_list() == pl.read_csv(tmp_path / "a.csv")["cost"].to_list()  # numbers stay numbers


def test_other_programs_get_the_text_as_it_is(tmp_path: Path) -> None:
    frame = pl.DataFrame({"what": ["=1+1"]})
    write(frame, "parquet", tmp_path / "a.parquet")
    assert pl.read_parquet(tmp_path / "a.parquet").equals(frame)
