"""Check results, Regions, bill files: small values with small rules."""

import pytest
from pydantic import ValidationError

from core.domain.bills import looks_like_bill
from core.domain.checks import CheckResult, Outcome, State, state_of
from core.domain.regions import Region, RegionCatalog


def _line(outcome: Outcome, *, unreachable: bool = False) -> CheckResult:
    return CheckResult(target="Row 1", check="Signature", outcome=outcome, found="…", unreachable=unreachable)


PASSED, WARNING, SKIPPED = _line(Outcome.PASSED), _line(Outcome.WARNING), _line(Outcome.SKIPPED)
FAILED, AWAY = _line(Outcome.FAILED), _line(Outcome.FAILED, unreachable=True)


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([PASSED, PASSED], State.SUCCESS),
        ([PASSED, WARNING], State.SUCCESS),
        ([PASSED, SKIPPED], State.SUCCESS),
        ([PASSED, FAILED], State.ERROR),
        ([AWAY, FAILED], State.ERROR),
        ([PASSED, AWAY, SKIPPED], State.UNKNOWN),
        ([SKIPPED, SKIPPED], State.UNKNOWN),
        ([], State.UNKNOWN),
    ],
)
def test_results_are_summed_up(results: list[CheckResult], state: State) -> None:
    assert state_of(results) is state


def _region(**fields: object) -> Region:
    usual = {"name": "eu-west-2", "label": "Paris", "api": "https://a.test/api/v1", "oos": "https://o.test"}
    return Region.model_validate(usual | fields)


def test_a_region_is_shown_as_the_form_shows_it() -> None:
    assert str(_region()) == "eu-west-2 - Paris"
    assert str(_region(retired=True)) == "eu-west-2 - Paris (retired)"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "EU"},
        {"name": "eu west"},
        {"name": "eu\n"},
        {"label": ""},
        {"api": "ftp://a.test"},
        {"api": "https://a.test/api/v1/"},
        {"oos": "a.test"},
        {"city": "Paris"},
    ],
)
def test_a_region_that_cannot_be_reached_or_named_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _region(**fields)


def test_the_catalog_keeps_the_order_and_offers_only_open_regions() -> None:
    catalog = RegionCatalog([_region(), _region(name="old-1", retired=True), _region(name="ab-1")])
    assert list(catalog) == ["eu-west-2", "old-1", "ab-1"]
    assert [region.name for region in catalog.open] == ["eu-west-2", "ab-1"]
    assert catalog.get("mars-1") is None


@pytest.mark.parametrize("key", ["2026/11/bill.csv", "bill.CSV", "a.csv.gz", "a.zip", "x/y.parquet", "a.v2.json"])
def test_figures_look_like_bills(key: str) -> None:
    assert looks_like_bill(key)


@pytest.mark.parametrize("key", ["README", "2026/11/", "logo.png", "a.csv/readme.txt", ".csv", ""])
def test_other_files_do_not(key: str) -> None:
    assert not looks_like_bill(key)
