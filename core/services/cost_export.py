"""Costs as files for other programs: what the screen shows, or every line in the FOCUS form."""

from pathlib import Path
from typing import Literal

import polars as pl

from core.domain.actor import Actor
from core.domain.bill_lines import NO_CURRENCY, Field
from core.domain.costs import CostQuery
from core.domain.credentials import FieldProblem
from core.services.costs import costs, query_lines
from core.services.fetched import Fetched, written
from core.services.rights import use_case
from core.services.sheets import harmless, write
from core.services.use_case import changing, note_failure
from core.services.workspace import Workspace

CostForm = Literal["csv", "xlsx", "parquet", "focus"]
SUFFIX: dict[CostForm, str] = {"csv": ".csv", "xlsx": ".xlsx", "parquet": ".parquet", "focus": ".focus.csv"}
_CATEGORIES = {"compute": "Compute", "storage": "Storage", "network": "Networking", "networking": "Networking"}


@use_case
def export(actor: Actor, workspace: Workspace, query: CostQuery, form: CostForm, path: Path) -> FieldProblem | None:
    """Write the costs of a query to `path`, and what kept it from being done. `csv`, `xlsx` and `parquet` hold the sums
    by `query.by` and currency. `focus` holds every line that is counted as CSV in the columns of FOCUS 1.2, the FinOps
    Open Cost and Usage Specification: the bill tells one cost, so the billed, effective, contracted and list costs are
    the same. The export is recorded as an event.

    Raises StoreError when the store refuses."""
    try:
        if form == "focus":
            lines = query_lines(actor, workspace, query)
            harmless(_focus(lines)).sink_csv(path, engine="streaming")
        else:
            write(costs(actor, workspace, query), form, path)
    except ValueError as error:
        problem = FieldProblem(field="form", what=str(error), mend="Choose another form or a shorter period.")
        return note_failure(actor, workspace, "costs.export", "costs", problem, form=form)
    except OSError as error:
        what = f"The file cannot be written: {error.strerror or error}."
        problem = FieldProblem(field="form", what=what, mend="Make room on the disk and try again.")
        return note_failure(actor, workspace, "costs.export", "costs", problem, form=form)
    with changing(actor, workspace, "costs.export") as change:
        change.record("costs", form=form, since=f"{query.since}", until=f"{query.until}", by=list(query.by))
    return None


@use_case
def as_file(actor: Actor, workspace: Workspace, query: CostQuery, form: CostForm, name: str) -> Fetched:
    """The same as a file of the home folder to be saved as `name`; whoever asked removes it with `fetched.drop`.

    Raises StoreError when the store refuses."""
    return written(workspace, name, lambda path: export(actor, workspace, query, form, path))


def form_of(path: Path) -> CostForm | None:
    """The form that a file's name asks for: `.focus.csv`, `.csv`, `.xlsx` or `.parquet`."""
    name = path.name.lower()
    forms: dict[str, CostForm] = {".focus.csv": "focus", ".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
    return next((form for suffix, form in forms.items() if name.endswith(suffix)), None)


def _focus(lines: pl.LazyFrame) -> pl.LazyFrame:
    day, until = pl.col(Field.DAY), pl.col(Field.UNTIL)
    cost, quantity = pl.col(Field.COST), pl.col(Field.QUANTITY)
    month = day.dt.truncate("1mo")
    title, type_ = pl.col(Field.TITLE), pl.col(Field.TYPE)
    category = pl.col(Field.CATEGORY).str.to_lowercase().replace_strict(_CATEGORIES, default="Other")
    currency = pl.col(Field.CURRENCY).replace(NO_CURRENCY, None)
    return lines.select(
        BilledCost=cost,
        EffectiveCost=cost,
        ContractedCost=cost,
        ListCost=cost,
        BillingCurrency=currency,
        BillingAccountId=_told(pl.col(Field.PAYING_ACCOUNT), pl.col(Field.ACCOUNT)),
        SubAccountId=_told(pl.col(Field.ACCOUNT)),
        BillingPeriodStart=_moment(month),
        BillingPeriodEnd=_moment(month.dt.offset_by("1mo")),
        ChargePeriodStart=_moment(day),
        ChargePeriodEnd=_moment(until.dt.offset_by("1d")),
        ChargeCategory=pl.when(cost < 0).then(pl.lit("Credit")).otherwise(pl.lit("Usage")),
        ChargeDescription=_told(title, type_),
        ConsumedQuantity=quantity,
        PricingQuantity=quantity,
        ListUnitPrice=pl.col(Field.UNIT_PRICE),
        ProviderName=pl.lit("3DS OUTSCALE"),
        PublisherName=pl.lit("3DS OUTSCALE"),
        InvoiceIssuerName=pl.lit("3DS OUTSCALE"),
        RegionId=_told(pl.col(Field.REGION)),
        ResourceId=_told(pl.col(Field.RESOURCE)),
        ServiceName=_told(pl.col(Field.SERVICE)),
        ServiceCategory=category,
        SkuId=_told(type_),
        Tags=_told(pl.col(Field.TAGS)),
        x_Operation=_told(pl.col(Field.OPERATION)),
    )


def _moment(day: pl.Expr) -> pl.Expr:
    return day.dt.strftime("%Y-%m-%dT00:00:00Z")


def _told(*texts: pl.Expr) -> pl.Expr:
    """The first that is not empty; null when all are."""
    return pl.coalesce(pl.when(text != "").then(text) for text in texts)
