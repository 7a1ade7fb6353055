"""Consumption and prices."""

from datetime import date
from typing import Any

from core.sandbox import consumption
from core.sandbox.asking import Answer, Asking, Call
from core.sandbox.calls.parameters import Parameters, moment
from core.sandbox.refusals import BAD_ACCOUNT_VALUE, BAD_VALUE, MISSING, RefusedError

_PRICES = ("UnitPrice", "Price")


def read_consumption_account(asking: Asking, parameters: Parameters) -> Answer:
    """Consumption from one day up to, without, another. With Overall: of all accounts that the asking one pays for in
    this Region, which is nothing for an account that somebody else pays for."""
    start, end = _day(parameters, "FromDate"), _day(parameters, "ToDate")
    if end <= start:
        raise RefusedError(BAD_ACCOUNT_VALUE, "The parameter ToDate must be later than FromDate.")
    accounts = [asking.own]
    if parameters.get("Overall"):
        payer = asking.own.account_id
        accounts = [one for one in asking.world.of_region(asking.region) if one.paying_account_id == payer]
    details = parameters.get("ShowResourceDetails", False)
    found: list[dict[str, Any]] = []
    for account in accounts:
        ids = account.account_id, account.paying_account_id
        found += consumption.entries(*ids, start, end, asking.region, resources=details)
    if parameters.get("ShowPrice"):
        return {"ConsumptionEntries": found, "Currency": consumption.CURRENCY}
    return {"ConsumptionEntries": [{k: v for k, v in entry.items() if k not in _PRICES} for entry in found]}


def read_catalog(asking: Asking, _parameters: Parameters) -> Answer:
    """The prices of today."""
    return {"Catalog": {"Entries": consumption.catalog(asking.region)}}


def _day(parameters: Parameters, name: str) -> date:
    found = moment(parameters, name)
    if found is None:
        raise RefusedError(MISSING, f"Missing parameter: {name}.")
    if (found.hour, found.minute, found.second, found.microsecond) != (0, 0, 0, 0):
        raise RefusedError(BAD_VALUE, f"The time of the parameter {name} must be midnight.")
    return found.date()


CONSUMPTION_CALLS: dict[str, Call] = {
    "ReadConsumptionAccount": read_consumption_account,
    "ReadCatalog": read_catalog,
    "ReadPublicCatalog": read_catalog,
}
