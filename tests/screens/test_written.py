from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.domain.amounts import money
from dashboard.widgets.text import ago, size, sized


def test_sizes_are_written_in_binary_units():
    assert [size(count) for count in (10, 1023, 1024, 1_500_000, 3 << 30)] == [
        "10 Bytes",
        "1023 Bytes",
        "1.0 KiB",
        "1.4 MiB",
        "3.0 GiB",
    ]


def test_a_table_writes_its_sizes_but_sorts_by_the_bytes():
    table = pd.DataFrame({"Name": ["a", "b"], "Size": pd.array([1_500_000, None], dtype="Int64")})
    shown = sized(table)
    assert shown.to_string(delimiter="|") == "|Name|Size\n0|a|1.4 MiB\n1|b|\n"
    assert shown.data["Size"].tolist() == [1_500_000, pd.NA]


def test_a_table_of_very_many_files_is_shown():
    def many() -> None:
        import pandas as pd
        import streamlit as st

        from dashboard.widgets.text import sized

        st.dataframe(sized(pd.DataFrame({"Size": range(300_000)})))

    app = AppTest.from_function(many).run(timeout=60)
    assert not app.exception


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [("1234567.891", "EUR", "1,234,567.89 EUR"), ("-1234.5", "XXX", "-1,234.50"), ("0", "€", "0.00 €")],
)
def test_money_has_two_decimal_places_and_its_thousands_apart(amount, currency, written):
    assert money(Decimal(amount), currency) == written


def test_how_long_ago_something_was():
    assert ago(datetime.now(UTC) - timedelta(hours=3, minutes=5)) == "3 hours ago"
