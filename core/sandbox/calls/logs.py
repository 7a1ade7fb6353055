"""The log of the account's own calls."""

from datetime import UTC, datetime, timedelta
from typing import Any

from core.sandbox.api_log import LogLine
from core.sandbox.asking import Answer, Asking, Call
from core.sandbox.calls.parameters import Parameters, matches, moment, page

WINDOW = timedelta(days=2)
"""Without both dates, logs of two days are given (ReadApiLogs)."""


def read_api_logs(asking: Asking, parameters: Parameters) -> Answer:
    """The account's calls, the newest first: of the last two days unless asked otherwise."""
    filters = parameters.get("Filters", {})
    after, before = moment(filters, "QueryDateAfter"), moment(filters, "QueryDateBefore")
    if after is None:
        after = (before or asking.moment) - WINDOW
        before = before or datetime.max.replace(tzinfo=UTC)
    elif before is None:
        before = after + WINDOW
    lines = [
        line
        for line in asking.log.of(asking.own.account_id)
        if after <= line.at <= before
        and matches(line.access_key, filters.get("QueryAccessKeys"))
        and matches("oapi", filters.get("QueryApiNames"))
        and matches(line.call, filters.get("QueryCallNames"))
        and matches(line.address, filters.get("QueryIpAddresses"))
        and matches(line.agent, filters.get("QueryUserAgents"))
        and matches(line.request_id, filters.get("RequestIds"))
        and matches(line.status, filters.get("ResponseStatusCodes"))
    ]
    part, token = page(parameters, len(lines))
    hidden = {name for name, wanted in parameters.get("With", {}).items() if not wanted}
    return {"Logs": [_shown(line, hidden) for line in lines[part]], **token}


def _shown(line: LogLine, hidden: set[str]) -> dict[str, Any]:
    shown = {
        "AccountId": line.account_id,
        "CallDuration": line.microseconds,
        "QueryAccessKey": line.access_key,
        "QueryApiName": "oapi",
        "QueryApiVersion": line.version,
        "QueryCallName": line.call,
        "QueryDate": f"{line.at:%Y-%m-%dT%H:%M:%S}.{line.at.microsecond // 1000:03}Z",
        "QueryHeaderSize": line.header_size,
        "QueryIpAddress": line.address,
        "QueryPayloadSize": line.payload_size,
        "QueryUserAgent": line.agent,
        "RequestId": line.request_id,
        "ResponseSize": line.size,
        "ResponseStatusCode": line.status,
    }
    return {name: value for name, value in shown.items() if name not in hidden and value != ""}


LOG_CALLS: dict[str, Call] = {"ReadApiLogs": read_api_logs}
