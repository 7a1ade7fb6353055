"""Which columns tell what: layouts that are known by their columns, and a guess for any other table.

OUTSCALE publishes no format of bill files (facts, section 7). Sources of what is known: the ConsumptionEntry of
ReadConsumptionAccount; the JSON of osc-cost; FOCUS 1.x (FinOps Open Cost and Usage Specification); the AWS Cost and
Usage Report, both of its namings."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from core.bills.numbers import amount, day
from core.domain.bill_lines import AMOUNTS, NEEDED, DateForm, Field, Mapping

_FITTING = 0.5
"""Part of the sampled values that must fit: totals at the end and single broken lines are no hindrance."""
_FORMS: tuple[DateForm, ...] = ("iso", "compact", "day_first", "month_first", "month", "excel")
_CURRENCY_SIGNS = {"€": "EUR", "£": "GBP"}


@dataclass(frozen=True)
class _Layout:
    """A known layout: which column names tell a field, the best first. It is this one when all of `marks` are there."""

    name: str
    marks: frozenset[str]
    columns: dict[Field, tuple[str, ...]]
    until_excluded: bool = False


def _layout(name: str, marks: str, until_excluded: bool = False, **columns: str) -> _Layout:
    told = {Field(field): tuple(names.split()) for field, names in columns.items()}
    return _Layout(name, frozenset(marks.split()), told, until_excluded)


_LAYOUTS = (
    _layout(
        "OUTSCALE consumption",
        "fromdate service operation type",
        day="fromdate",
        until="todate",
        account="accountid",
        paying_account="payingaccountid",
        region="subregionname regionname region zone",
        service="service",
        category="category",
        type="type",
        operation="operation",
        resource="resourceid",
        title="title",
        quantity="value quantity",
        unit_price="unitprice",
        cost="price cost",
        currency="currency",
        tags="tags",
    ),
    _layout(
        "osc-cost",
        "readdaterfc3339 pricepermonth",
        day="readdaterfc3339",
        account="accountid",
        region="region",
        service="resourcetype",
        type="vmtype volumetype nattype type",
        resource="resourceid",
        cost="pricepermonth",
    ),
    _layout(
        "FOCUS",
        "billedcost chargeperiodstart",
        until_excluded=True,
        day="chargeperiodstart",
        until="chargeperiodend",
        account="subaccountid",
        paying_account="billingaccountid",
        region="regionid regionname availabilityzone",
        service="servicename",
        category="servicecategory",
        type="skuid chargecategory",
        operation="xoperation skumeter",
        resource="resourceid resourcename",
        title="chargedescription",
        quantity="consumedquantity pricingquantity",
        unit_price="contractedunitprice listunitprice",
        cost="billedcost",
        currency="billingcurrency",
        tags="tags",
    ),
    _layout(
        "AWS CUR",
        "lineitemusagestartdate lineitemunblendedcost",
        until_excluded=True,
        day="lineitemusagestartdate",
        until="lineitemusageenddate",
        account="lineitemusageaccountid",
        paying_account="billpayeraccountid",
        region="productregioncode productregion lineitemavailabilityzone",
        service="lineitemproductcode productservicecode",
        category="productproductfamily",
        type="lineitemusagetype",
        operation="lineitemoperation",
        resource="lineitemresourceid",
        title="lineitemlineitemdescription",
        quantity="lineitemusageamount",
        unit_price="lineitemunblendedrate",
        cost="lineitemunblendedcost",
        currency="lineitemcurrencycode",
        tags="resourcetags",
    ),
)
_PLAIN = _layout(
    "plain table",
    "",
    day="date day jour month mois period periode billingperiod usagedate startdate datedebut debut from fromdate start"
    " invoicedate datefacture usageday usagemonth periodstart",
    until="enddate datefin fin to todate end until periodend",
    account="accountid account compte idcompte comptecloud cloudaccount numerodecompte linkedaccount subaccount owner",
    paying_account="payingaccountid payingaccount comptepayeur payer payeraccount billingaccount",
    region="region subregion zone subregionname sousregion regionname availabilityzone",
    service="service servicename product produit prestation productname entry",
    category="category categorie family famille servicecategory",
    type="type usagetype typeusage sku reference",
    operation="operation action",
    resource="resourceid resource ressource idressource idderessource instanceid",
    title="title titre description libelle designation label intitule item article",
    quantity="quantity quantite qty qte usage usageamount value valeur volume hours heures consumption consommation"
    " units",
    unit_price="unitprice prixunitaire pu rate unitcost tarif priceperunit coutunitaire",
    cost="cost cout amount montant price prix total totalcost montantht totalht amountexcltax netamount charge charges"
    " prixtotal couttotal spend",
    currency="currency devise currencycode monnaie",
    tags="tags etiquettes labels",
)


def recognise(columns: list[str], sample: pl.DataFrame) -> Mapping | None:
    """The mapping of a table of which it is sure: its layout is known or its headers speak plainly, and the sampled
    values fit. `sample` holds the first rows, all text. None otherwise."""
    for layout in _LAYOUTS:
        if layout.marks <= {_bare(name) for name in columns}:
            mapping = _mapping(layout, columns, sample)
            if not mapping.missing and _fits(mapping, sample):
                return mapping
    mapping = _mapping(_PLAIN, columns, sample)
    return mapping if not mapping.missing and _fits(mapping, sample) else None


def propose(columns: list[str], sample: pl.DataFrame) -> Mapping:
    """The best guess for any table, for a person to correct: by the headers, and for what is needed also by values."""
    sure = recognise(columns, sample)
    if sure:
        return sure
    names = {_bare(name) for name in columns}
    layout = next((one for one in _LAYOUTS if one.marks <= names), _PLAIN)
    mapping = _mapping(layout, columns, sample)
    told = dict(mapping.columns)
    free = [name for name in columns if name not in told.values()]
    if Field.DAY not in told:
        dated = [name for name in free if _date_form(sample, name)]
        if dated:
            told[Field.DAY] = dated[0]
            free.remove(dated[0])
    if Field.COST in mapping.missing:
        counted = [name for name in free if _share(sample, amount(_text(name), _decimal(sample, [name]))) > _FITTING]
        if counted:
            told[Field.COST] = counted[-1]  # amounts stand at the end of a line
    return _with_forms(Mapping(layout="custom", columns=told), sample)


def fitting(mapping: Mapping, sample: pl.DataFrame) -> Mapping:
    """The same columns, with the form of dates and the decimal sign that the sampled values have."""
    return _with_forms(mapping, sample)


def _mapping(layout: _Layout, columns: list[str], sample: pl.DataFrame) -> Mapping:
    by_bare: dict[str, str] = {}
    for name in columns:
        by_bare.setdefault(_bare(name), name)
    told: dict[Field, str] = {}
    for field, names in layout.columns.items():
        match = next((by_bare[name] for name in names if name in by_bare and by_bare[name] not in told.values()), None)
        if match:
            told[field] = match
    mapping = Mapping(layout=layout.name, columns=told, until_excluded=layout.until_excluded)
    return _with_forms(mapping, sample)


def _with_forms(mapping: Mapping, sample: pl.DataFrame) -> Mapping:
    amounts = [mapping.columns[field] for field in AMOUNTS if field in mapping.columns]
    form = _date_form(sample, mapping.columns[Field.DAY]) if Field.DAY in mapping.columns else None
    constants = dict(mapping.constants)
    if Field.CURRENCY not in mapping.columns and Field.COST in mapping.columns:
        sign = _sign(sample, mapping.columns[Field.COST])
        if sign:
            constants[Field.CURRENCY] = sign
    changes = {"decimal": _decimal(sample, amounts), "dates": form or mapping.dates, "constants": constants}
    return mapping.model_copy(update=changes)


def _fits(mapping: Mapping, sample: pl.DataFrame) -> bool:
    """Whether most of the sampled values of what is needed can be read. Without rows, the headers alone decide."""
    if not len(sample):
        return True
    for field in NEEDED:
        column = mapping.columns.get(field)
        if column is None:
            continue
        value = day(_text(column), mapping.dates) if field is Field.DAY else amount(_text(column), mapping.decimal)
        if _share(sample, value) < _FITTING:
            return False
    return True


def _date_form(sample: pl.DataFrame, column: str) -> DateForm | None:
    """The form that most values have. Of `31/01/2026` and `01/31/2026` the one that fits more, the first when all fit
    both."""
    shares = {form: _share(sample, day(_text(column), form)) for form in _FORMS}
    best = max(shares, key=lambda form: shares[form])
    return best if shares[best] >= _FITTING else None


def _decimal(sample: pl.DataFrame, columns: Iterable[str]) -> Literal[".", ","]:
    """The sign before the fraction: the one that more values end with, in a way that no thousands do."""
    texts = [value for name in columns for value in sample[name].drop_nulls().to_list()]
    commas = sum(
        bool(re.search(r",\d+\D*$", text)) and not re.search(r"^\D*\d{1,3}(,\d{3})+\D*$", text) for text in texts
    )
    points = sum(
        bool(re.search(r"\.\d+\D*$", text)) and not re.search(r"^\D*\d{1,3}(\.\d{3})+\D*$", text) for text in texts
    )
    if commas != points:
        return "," if commas > points else "."
    only_commas = any("," in text for text in texts) and not any("." in text for text in texts)
    return "," if only_commas and not all(re.search(r",\d{3}\D*$", text) for text in texts if "," in text) else "."


def _sign(sample: pl.DataFrame, column: str) -> str | None:
    found = {code for text in sample[column].drop_nulls() for sign, code in _CURRENCY_SIGNS.items() if sign in text}
    return found.pop() if len(found) == 1 else None


def _share(sample: pl.DataFrame, value: pl.Expr) -> float:
    """Part of the sampled rows, those without any value left out, for which the expression gives something."""
    read = sample.select(value.is_not_null().sum().alias("read")).item()
    texts = [pl.col(name).fill_null("").str.strip_chars() != "" for name in value.meta.root_names()]
    told = sample.select(pl.any_horizontal(texts).sum()).item()
    return read / told if told else 0.0


def _text(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.strip_chars()


def _bare(name: str) -> str:
    """A header without case, accents, units in brackets, and anything but letters and digits."""
    unbracketed = re.sub(r"\s*[(\[].*?[)\]]", "", name) or name
    plain = unicodedata.normalize("NFKD", unbracketed)
    return re.sub(r"[^a-z0-9]", "", plain.encode("ascii", "ignore").decode().lower())
