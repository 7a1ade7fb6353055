"""Text that bills and buckets bring along is shown as text: no link, no picture that calls elsewhere, no style."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.amounts import code, money
from core.services.bill_files import BillObjectView
from core.services.reconcile import Reconciliation
from dashboard.widgets.text import safe

PICTURE = "![x](https://elsewhere.example/x.png)"
TELLS = "](https://"


def show() -> None:
    from unittest import mock

    import streamlit as st

    from dashboard.widgets import bill_files, reconciliation

    for part in st.session_state["hostile"]:
        if isinstance(part, reconciliation.Reconciliation):
            reconciliation._result(part)
        else:
            names = ("refused_lines", "bucket_choices", "actor", "workspace")
            nothing = {name: mock.Mock(return_value=[]) for name in names}
            with mock.patch.multiple(bill_files, **nothing):
                bill_files._file(part)


def test_an_account_a_currency_and_a_file_of_a_bill_are_text() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    file = BillObjectView(
        "x", "eu-west-2", "bills", f"2026/{PICTURE.replace('/', '')}", 1, day, day, "read", PICTURE, 1, 0,
        {PICTURE: Decimal(1)}, Decimal(0), None, None, [], "",
    )  # fmt: skip
    app = AppTest.from_function(show)
    app.session_state["hostile"] = [Reconciliation(PICTURE, date(2026, 1, 1), date(2026, 2, 1), PICTURE), file]
    app.run()
    assert not app.exception
    shown = [*(one.value for one in (*app.header, *app.markdown, *app.metric, *app.caption))]
    assert len(shown) >= 7
    assert [text for text in shown if TELLS in text or "![x](" in text] == []


@pytest.mark.parametrize(
    ("told", "shown"),
    [("EUR", "EUR"), ("€", "€"), ("US$", "US$"), (PICTURE, "xhttpselsewhereexamplexpng"), ("XXX", "XXX")],
)
def test_a_currency_is_letters_and_signs_of_currencies(told: str, shown: str) -> None:
    assert code(told) == shown
    assert money(Decimal("-1234.5"), told) == f"-1,234.50 {'' if told == 'XXX' else shown}".strip()


def test_no_sign_of_markdown_is_left_as_one() -> None:
    signs = "\\`*_{}[]()<>#+!|~$:&-"
    assert safe(signs) == "".join(f"\\{sign}" for sign in signs)
    assert safe("one\n# two") == "one \\# two"
