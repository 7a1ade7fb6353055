"""Makes the corpus: small bill files of differing layout, and what each must come to.

    .venv/bin/python -m tests.bills.make_corpus

Writes `corpus/` beside this file, with `expected.json`. What a file must come to is added up here, from the figures
that it is made of, before any of them is written."""

import csv
import gzip
import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import zstandard

from tests.bills.figures import Corpus, Figure, Made
from tests.bills.forms import OUTSCALE, comma, grouped, outscale, parquet, plain, records, workbook, written, zipped

FOLDER = Path(__file__).with_name("corpus")


def consumption_as_text(corpus: Corpus) -> None:
    """OUTSCALE's columns, in all ways that a text can be written."""
    layout = "OUTSCALE consumption"
    dialects: dict[str, tuple[dict[str, Any], Callable[[Decimal], str], str]] = {
        "comma": ({}, plain, "utf-8"),
        "semicolon-comma": ({"delimiter": ";"}, comma, "utf-8"),
        "semicolon-point": ({"delimiter": ";"}, plain, "utf-8"),
        "tab": ({"delimiter": "\t"}, plain, "utf-8"),
        "bar": ({"delimiter": "|"}, comma, "utf-8"),
        "mark": ({}, plain, "utf-8-sig"),
        "latin-1": ({"delimiter": ";"}, comma, "latin-1"),
        "utf-16": ({"delimiter": "\t"}, plain, "utf-16"),
        "utf-16-be": ({"delimiter": ";"}, comma, "utf-16-be"),
        "crlf": ({"lineterminator": "\r\n"}, plain, "utf-8"),
        "cr": ({"lineterminator": "\r"}, plain, "utf-8"),
        "all-quoted": ({"quoting": csv.QUOTE_ALL}, comma, "utf-8"),
        "single-quoted": ({"quotechar": "'", "quoting": csv.QUOTE_ALL}, plain, "utf-8"),
        "thousands-blank": ({"delimiter": ";"}, grouped(" ", ","), "utf-8"),
        "thousands-narrow": ({"delimiter": ";"}, grouped("\u202f", ","), "utf-8"),
        "thousands-hard": ({"delimiter": ";"}, grouped("\xa0", ","), "utf-8"),
        "thousands-apostrophe": ({}, grouped("'", "."), "utf-8"),
        "thousands-comma": ({"quoting": csv.QUOTE_ALL}, grouped(",", "."), "utf-8"),
        "thousands-point": ({"delimiter": ";"}, grouped(".", ","), "utf-8"),
    }
    for name, (dialect, number, encoding) in dialects.items():
        told = corpus.figures()
        text = written(outscale(told, number), **dialect)
        content = ("\ufeff" + text).encode(encoding) if encoding == "utf-16-be" else text.encode(encoding)
        corpus.add(f"outscale-{name}.csv", content, told, layout)


def consumption_in_other_forms(corpus: Corpus) -> None:
    """OUTSCALE's columns, packed and as other formats."""
    layout = "OUTSCALE consumption"
    told = corpus.figures()
    corpus.add("packed.csv.gz", gzip.compress(written(outscale(told)).encode(), mtime=0), told, layout)
    told = corpus.figures()
    corpus.add("packed.csv.zst", zstandard.compress(written(outscale(told)).encode()), told, layout)
    told = corpus.figures()
    corpus.add("packed.zip", zipped(("bills/march.csv", written(outscale(told)).encode())), told, layout)
    told = corpus.figures()
    halves = [written(outscale(part)).encode() for part in (told[:10], told[10:])]
    corpus.add("two.zip", zipped(("a.csv", halves[0]), ("b.csv", halves[1])), told, layout)
    told = corpus.figures()
    inner = gzip.compress(written(outscale(told), delimiter=";").encode(), mtime=0)
    corpus.add("gzip-in.zip", zipped(("a.csv.gz", inner)), told, layout)
    told = corpus.figures()
    corpus.add("misnamed.csv", gzip.compress(written(outscale(told)).encode(), mtime=0), told, layout)
    told = corpus.figures()
    corpus.add("array.json", json.dumps(records(told), indent=1).encode(), told, layout)
    told = corpus.figures()
    corpus.add("lines.jsonl", "\n".join(map(json.dumps, records(told))).encode(), told, layout)
    told = corpus.figures()
    answer = {"ConsumptionEntries": records(told), "ResponseContext": {"RequestId": "0"}}
    corpus.add("answer.json", json.dumps(answer).encode(), told, layout)
    told = corpus.figures()
    corpus.add("table.parquet", parquet(records(told)), told, layout)
    told = corpus.figures()
    rows = [list(OUTSCALE), *([*record.values()] for record in records(told))]
    corpus.add("book.xlsx", workbook({"March": rows}), told, layout)
    told = corpus.figures()
    both = [rows[0], *([*record.values()] for record in records(told))]
    corpus.add("sheets.xlsx", workbook({"One": both[:11], "Two": [both[0], *both[11:]]}), told, layout)


def consumption_with_flaws(corpus: Corpus) -> None:
    """Titles, totals, credits, cells over lines, lines that are none."""
    layout = "OUTSCALE consumption"
    told = corpus.figures()
    titles = "Consumption of March 2026\nHarbour Works\n\n"
    corpus.add("titled.csv", (titles + written(outscale(told), delimiter=";")).encode(), told, layout)
    told = corpus.figures()
    total = sum((one.cost for one in told), Decimal(0))
    last = ["Total", *[""] * 11, plain(total)]
    corpus.add(
        "total.csv", written([*outscale(told), last]).encode(), told, layout, refused=1, refused_sum=total
    )  # fmt: skip
    told = corpus.figures(credits=True)
    corpus.add("credits.csv", written(outscale(told)).encode(), told, layout)
    told = corpus.figures(credits=True)
    rows = outscale(told, lambda amount: f"({plain(-amount)})" if amount < 0 else plain(amount))
    corpus.add("credits-brackets.csv", written(rows).encode(), told, layout)
    told = corpus.figures(credits=True)
    rows = outscale(told, lambda amount: f"{plain(abs(amount))}-" if amount < 0 else plain(amount))
    corpus.add("credits-behind.csv", written(rows).encode(), told, layout)
    told = corpus.figures()
    for one in told[::5]:
        one.title = 'Two\nlines; "quoted", and more'
    corpus.add("cells-over-lines.csv", written(outscale(told)).encode(), told, layout)
    told = corpus.figures()
    lines = written(outscale(told)).splitlines()
    lines.insert(7, "")
    lines.insert(12, "")
    corpus.add("blank-lines.csv", ("\n".join(lines) + "\n\n").encode(), told, layout)
    told = corpus.figures()
    lines = written(outscale(told)).splitlines()
    lines.insert(9, ",".join(["x"] * 20))
    corpus.add("too-long-line.csv", ("\n".join(lines) + "\n").encode(), told, layout, refused=1)
    told = corpus.figures()
    rows = outscale(told)
    wrong = [*rows[5][:-1], "n/a"]
    corpus.add("no-amount.csv", written([*rows, wrong]).encode(), told, layout, refused=1)
    told = corpus.figures()
    rows = outscale(told)
    late = [*rows[5]]
    late[8], late[-1] = "soon", "12.34"
    corpus.add(
        "no-day.csv", written([*rows, late]).encode(), told, layout, refused=1, refused_sum=Decimal("12.34")
    )  # fmt: skip
    told = corpus.figures()
    corpus.add("trailing-separator.csv", written([[*row, ""] for row in outscale(told)]).encode(), told, layout)


def plain_tables(corpus: Corpus) -> None:
    """Tables of other people, told by their headers."""
    forms: dict[str, tuple[list[str], Callable[[date], Any], Callable[[Decimal], str]]] = {
        "french": (["Date", "Compte", "Service", "Quantité", "Montant HT", "Devise"], _day("%d/%m/%Y"), comma),
        "french-capitals": (["DATE FACTURE", "COMPTE", "PRESTATION", "QTÉ", "COÛT", "DEVISE"], _day("%d.%m.%Y"), comma),
        "english": (["Usage Date", "Account", "Service", "Quantity", "Cost", "Currency"], _day("%d/%m/%Y"), plain),
        "american": (["Date", "Account", "Product", "Usage", "Amount", "Currency"], _day("%m/%d/%Y"), plain),
        "iso-times": (["Date", "Account", "Service", "Qty", "Total", "Currency"], _day("%Y-%m-%dT00:00:00Z"), plain),
        "compact": (["Day", "Account", "Service", "Units", "Charge", "Currency"], _day("%Y%m%d"), plain),
        "excel-days": (["Date", "Account", "Service", "Quantity", "Price", "Currency"], _serial, plain),
    }
    for name, (header, day, number) in forms.items():
        told = corpus.figures(credits=name == "american", currencies=("EUR",) if name != "english" else ("EUR", "USD"))
        rows = [
            [day(one.day), one.account, one.service[1], number(one.quantity), number(one.cost), one.currency]
            for one in told
        ]
        corpus.add(
            f"plain-{name}.csv", written([header, *rows], delimiter=";").encode(), told, "plain table", named=True
        )
    told = corpus.figures(12)
    for number, one in enumerate(told):
        one.day = date(2025, number + 1, 1)
    rows = [[f"{one.day:%m/%Y}", one.service[1], plain(one.cost)] for one in told]
    corpus.add("plain-months.csv", written([["Month", "Service", "Cost"], *rows]).encode(), told, "plain table")
    told = corpus.figures()
    rows = [[one.day.isoformat(), one.service[1], f"{comma(one.cost)} €"] for one in told]
    text = written([["Jour", "Service", "Montant"], *rows], delimiter=";")
    corpus.add("plain-signs.csv", text.encode(), told, "plain table", named=True)
    told = corpus.figures()
    for one in told:
        one.cost = one.quantity * one.price
    rows = [[one.day.isoformat(), one.service[1], plain(one.quantity), plain(one.price)] for one in told]
    text = written([["Date", "Service", "Quantity", "Unit price"], *rows])
    corpus.add("plain-quantities.csv", text.encode(), told, "plain table")
    told = corpus.figures()
    for one in told:
        one.cost = one.price / 1000
    rows = [[one.day.isoformat(), one.service[1], f"{one.cost:.4E}"] for one in told]
    corpus.add("plain-exponents.csv", written([["Date", "Service", "Cost"], *rows]).encode(), told, "plain table")
    told = corpus.figures()
    cells = [[one.day, one.service[1], float(one.cost)] for one in told]
    corpus.add("plain-days.xlsx", workbook({"Bill": [["Date", "Service", "Cost"], *cells]}), told, "plain table")


def other_clouds(corpus: Corpus) -> None:
    """FOCUS, the AWS Cost and Usage Report, osc-cost."""
    told = corpus.figures(credits=True)
    rows = [_focus(one) for one in told]
    table = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
    corpus.add("focus.csv", written(table, quoting=csv.QUOTE_ALL).encode(), told, "FOCUS", named=True)
    told = corpus.figures()
    corpus.add("focus.parquet", parquet([_focus(one) for one in told]), told, "FOCUS", named=True)
    told = corpus.figures()
    rows = [_report(one) for one in told]
    table = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
    corpus.add("report-1.csv.gz", gzip.compress(written(table).encode(), mtime=0), told, "AWS CUR", named=True)
    told = corpus.figures()
    newer = [{_snake(name): cell for name, cell in _report(one).items()} for one in told]
    corpus.add("report-2.parquet", parquet(newer), told, "AWS CUR", named=True)
    told = corpus.figures()
    lines = [
        json.dumps(
            {
                "account_id": one.account, "read_date_rfc3339": f"{one.day}T00:00:00+00:00", "region": "eu-west-2",
                "resource_type": one.service[1], "resource_id": f"i-{number:08}", "price_per_month": float(one.cost),
            }
        )
        for number, one in enumerate(told)
    ]  # fmt: skip
    corpus.add("osc-cost.jsonl", "\n".join(lines).encode(), told, "osc-cost")


def _focus(one: Figure) -> dict[str, Any]:
    return {
        "BilledCost": float(one.cost),
        "BillingAccountId": "583767933646",
        "BillingCurrency": one.currency,
        "ChargePeriodStart": f"{one.day}T00:00:00Z",
        "ChargePeriodEnd": f"{one.day + timedelta(days=1)}T00:00:00Z",
        "SubAccountId": one.account,
        "ServiceName": one.service[1],
        "ServiceCategory": one.service[0],
        "ConsumedQuantity": float(one.quantity),
        "RegionId": "eu-west-2",
        "Tags": '{"team": "harbour"}',
    }


def _report(one: Figure) -> dict[str, Any]:
    return {
        "identity/LineItemId": one.title,
        "bill/PayerAccountId": "583767933646",
        "lineItem/UsageAccountId": one.account,
        "lineItem/UsageStartDate": f"{one.day}T00:00:00Z",
        "lineItem/UsageEndDate": f"{one.day + timedelta(days=1)}T00:00:00Z",
        "lineItem/ProductCode": one.service[1],
        "lineItem/Operation": one.service[2],
        "lineItem/UsageAmount": float(one.quantity),
        "lineItem/CurrencyCode": one.currency,
        "lineItem/UnblendedCost": float(one.cost),
    }


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name.replace("/", "_")).replace(
        "__", "_"
    )


def _day(form: str) -> Callable[[date], str]:
    return lambda day: day.strftime(form)


def _serial(day: date) -> str:
    return str((day - date(1899, 12, 30)).days)


def make() -> list[Made]:
    """All files, the same ones each time."""
    corpus = Corpus()
    for part in (
        consumption_as_text, consumption_in_other_forms, consumption_with_flaws, plain_tables, other_clouds,
    ):  # fmt: skip
        part(corpus)
    return corpus.files


def expected(files: list[Made]) -> dict[str, Any]:
    """What each file must come to, as it stands in `expected.json`."""
    return {
        one.name: {
            "layout": one.layout,
            "sums": {currency: f"{amount.normalize():f}" for currency, amount in sorted(one.sums.items())},
            "accepted": one.accepted,
            "refused": one.refused,
            "refused_sum": f"{one.refused_sum.normalize():f}",
            "days": [day.isoformat() for day in one.days or ()],
        }
        for one in files
    }


def main() -> None:
    """Write the corpus."""
    files = make()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for one in files:
        (FOLDER / one.name).write_bytes(one.content)
    (FOLDER / "expected.json").write_text(json.dumps(expected(files), indent=1, ensure_ascii=False) + "\n")
    print(f"{len(files)} files, {sum(len(one.content) for one in files):,} bytes in {FOLDER}")


if __name__ == "__main__":
    main()
