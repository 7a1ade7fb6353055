"""A table written in any dialect is read back to the same cents."""

import csv
import gzip
import io
from datetime import date, timedelta
from decimal import Decimal

import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.bills.conftest import Read
from tests.bills.forms import grouped, plain, zipped

HEADERS = {
    "en": ("Date", "Account", "Service", "Cost"),
    "fr": ("Jour", "Compte", "Prestation", "Montant"),
    "api": ("FromDate", "AccountId", "Service", "Price"),
}
NUMBERS = {
    ".": (plain, grouped(",", "."), grouped("'", "."), grouped(" ", ".")),
    ",": (grouped("", ","), grouped(".", ","), grouped("\u202f", ","), grouped("\xa0", ",")),
}
DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ")
PACKED = {
    "": lambda content: content,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".zst": zstandard.compress,
    ".zip": lambda content: zipped(("bill.csv", content)),
}
# What people write into names of services: any character that the encoding has, but none that ends a line for some.
words = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12)
amounts = st.decimals(Decimal("-9999999.99"), Decimal("9999999.99"), places=2)
rows = st.lists(st.tuples(st.integers(0, 27), words, amounts), min_size=3, max_size=30)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=rows,
    separator=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    style=st.integers(0, 3),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    words=st.sampled_from(sorted(HEADERS)),
    form=st.sampled_from(DAYS),
    packed=st.sampled_from(sorted(PACKED)),
)
def test_any_dialect_gives_the_same_cents(
    read: Read, rows, separator, decimal, style, encoding, ends, quoting, words, form, packed
) -> None:
    # A day past the twelfth tells days from months; a person cannot tell either without one.
    rows = [*rows, (27, "last", Decimal("1.25"))]
    if words == "api":
        form = "%Y-%m-%d"
    out = io.StringIO()
    write = csv.writer(out, delimiter=separator, lineterminator=ends, quoting=quoting)
    write.writerow(HEADERS[words])
    for number, (day, service, cost) in enumerate(rows):
        when = date(2026, 3, 1) + timedelta(days=day)
        write.writerow(
            [
                when.strftime(form),
                f"12623441{number:04}",
                service,
                NUMBERS[decimal][style](cost),
            ]
        )
    assume(encoding != "latin-1" or "\u202f" not in out.getvalue())  # which it does not have
    content = PACKED[packed](out.getvalue().encode(encoding))
    found = read(f"bill.csv{packed}", content)
    assert found.state == "read", found
    assert found.refused == 0
    assert found.accepted == len(rows)
    assert found.sums == {"XXX": sum((cost for _, _, cost in rows), Decimal(0))}
