"""The checks of project rows: one access key of one account in one Region each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.domain.checks import CheckResult, Outcome
from core.domain.credentials import ProjectDraft, unusual_key_formats
from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import AccessKey
from core.outscale.oapi import Oapi
from core.services.checks.refusal import explain
from core.services.checks.run import STOPPED, Finding, Run, Stopwatch, failed, passed, refused, skipped, warning

FORMAT = "Key format"
REACHED = "API reached"
CLOCK = "Clock"
SIGNATURE = "Signature"
KEY = "Key"
ACCOUNT = "Account ID"
RIGHTS = "Rights"
ONBOARDED = "Already onboarded"
PROJECT_CHECKS = (FORMAT, REACHED, CLOCK, SIGNATURE, KEY, ACCOUNT, RIGHTS, ONBOARDED)

EXPIRES_SOON = timedelta(days=30)
CLOCK_LIMIT = timedelta(minutes=5)
"""A request must reach OUTSCALE within five minutes of its timestamp (documentation, About Signatures)."""
CLOCK_HINT = timedelta(minutes=1)

PLATFORM_CALLS: tuple[str, ...] = (
    "ReadVms",
    "ReadVolumes",
    "ReadNets",
    "ReadQuotas",
    "ReadCatalog",
    "ReadConsumptionAccount",
)
"""The calls with which a cloud-management platform shows resources, limits and consumption. Asked with DryRun."""


@dataclass(frozen=True)
class Known:
    """Where else a key, or an account in a Region, is onboarded already: names of other credentials."""

    key: Callable[[str], list[str]]
    account: Callable[[str, str], list[str]]


@dataclass(frozen=True)
class _Interview:
    """What the API said to one key: findings by check, and the account it belongs to."""

    findings: dict[str, Finding]
    account_id: str | None = None


def check_project(
    run: Run, row: ProjectDraft, target: str, proxy: ProxyUrl | None, known: Known
) -> tuple[list[CheckResult], str]:
    """Ask every question about one row. Returns the results in the order of `PROJECT_CHECKS`, and the row's Account
    ID: as typed, or the key's own when none was typed (empty when it could not be read)."""
    region = run.regions[row.region]
    results: list[CheckResult] = []

    def say(finding: Finding) -> None:
        results.append(run.report(finding.about(target)))

    say(_format(row))
    reached, clock = run.once(("reach", region.name, proxy), lambda: _reach(run, region, proxy))
    say(reached)
    say(clock)
    if reached.outcome is not Outcome.PASSED:
        interview = _all_skipped("Not tried: the API was not reached.")
    elif clock.outcome is Outcome.FAILED:
        interview = _all_skipped("Not tried: OUTSCALE would refuse the time of the request.")
    else:
        question = ("interview", region.name, row.access_key, row.secret_key, proxy)
        interview = run.once(question, lambda: _interview(run, row, region, proxy))
    for check in (SIGNATURE, KEY):
        say(interview.findings[check])
    say(_account(interview, row))
    say(interview.findings[RIGHTS])
    account_id = row.account_id or interview.account_id or ""
    say(_onboarded(row, account_id, known))
    return results, account_id


def _all_skipped(why: str) -> _Interview:
    return _Interview({check: skipped(check, why) for check in (SIGNATURE, KEY, ACCOUNT, RIGHTS)})


def _format(row: ProjectDraft) -> Finding:
    unusual = unusual_key_formats(row.access_key, row.secret_key)
    if not unusual:
        return passed(FORMAT, "As usual.")
    return warning(FORMAT, f"Unusual: {'; '.join(unusual)}.", "Look whether the whole key was pasted.")


def _oapi(run: Run, region: Region, proxy: ProxyUrl | None, row: ProjectDraft | None = None) -> Oapi:
    return Oapi(
        region,
        access_key=row.access_key if row else None,
        secret_key=row.secret_key if row else None,
        proxy=proxy,
        allowed=run.allowed,
        connect_timeout=run.settings.connect_timeout,
        read_timeout=run.settings.read_timeout,
    )


def _reach(run: Run, region: Region, proxy: ProxyUrl | None) -> tuple[Finding, Finding]:
    if run.stop.is_set():
        return skipped(REACHED, STOPPED), skipped(CLOCK, STOPPED)
    watch = Stopwatch()
    through = f" through the proxy {proxy.address}" if proxy else ""
    try:
        with _oapi(run, region, proxy) as api:
            api.probe()
            skew = api.clock_skew
    except OutscaleError as error:
        return refused(REACHED, error, watch.lap()), skipped(CLOCK, "Not tried: the API was not reached.")
    reached = passed(REACHED, f"{region.name} answers{through}.", watch.lap())
    if skew is None:
        return reached, passed(CLOCK, "The answer carries no time to compare with.")
    seconds = round(abs(skew.total_seconds()))
    said = f"This machine's clock is {seconds} s {'ahead of' if skew > timedelta() else 'behind'} OUTSCALE's."
    if abs(skew) >= CLOCK_LIMIT:
        return reached, failed(CLOCK, said, "Set this machine's clock (NTP): five minutes are the most.")
    if abs(skew) >= CLOCK_HINT:
        return reached, warning(CLOCK, said, "Set this machine's clock (NTP) before it reaches five minutes.")
    return reached, passed(CLOCK, "In step with OUTSCALE's.")


def _interview(run: Run, row: ProjectDraft, region: Region, proxy: ProxyUrl | None) -> _Interview:
    watch = Stopwatch()
    with _oapi(run, region, proxy, row) as api:
        try:
            with run.attempt(row.access_key, (region.name, row.account_id)) as reason:
                if reason:
                    return _all_skipped(reason)
                account_id: str | None = None
                readable = True
                try:
                    accounts = api.read_accounts()
                    account_id = accounts[0].account_id if accounts else None
                except OutscaleError as error:
                    if error.trouble is not Trouble.FORBIDDEN:
                        raise
                    readable = False  # the signature was accepted; the key just may not read its account
        except OutscaleError as error:
            told = explain(error, region, row.access_key, row.secret_key, proxy, run)
            rest = _all_skipped("Not tried: the key was refused.").findings
            return _Interview(rest | {SIGNATURE: refused(SIGNATURE, told, watch.lap())})
        signature = passed(SIGNATURE, "Accepted.", watch.lap())
        if readable and account_id:
            account = passed(ACCOUNT, f"The key belongs to account {account_id}.", signature.seconds)
        else:
            account = warning(ACCOUNT, "The key may not read its account.", "Allow it api:ReadAccounts.")
        return _Interview(
            {SIGNATURE: signature, KEY: _key(api, row), ACCOUNT: account, RIGHTS: _rights(run, api)}, account_id
        )


def _key(api: Oapi, row: ProjectDraft) -> Finding:
    watch = Stopwatch()
    try:
        keys = api.read_access_keys()
    except OutscaleError as error:
        if error.trouble is Trouble.FORBIDDEN:
            return warning(
                KEY,
                "The key works, but may not read its own expiration date.",
                "Allow it api:ReadAccessKeys, or note the date from Cockpit.",
                watch.lap(),
            )
        return refused(KEY, error, watch.lap())
    mine = next((key for key in keys if key.access_key_id == row.access_key), None)
    return _validity(mine, watch.lap())


def _validity(key: AccessKey | None, seconds: float) -> Finding:
    if key is None:
        return warning(KEY, "The key works, but is not in its own list of keys.", "Look at it in Cockpit.", seconds)
    if key.state != "ACTIVE":
        return failed(KEY, f"The key is {key.state}.", "Activate it, or use another key.", seconds)
    if key.expiration_date is None:
        return passed(KEY, "ACTIVE, never expires.", seconds)
    day = f"{key.expiration_date:%Y-%m-%d}"
    left = key.expiration_date - datetime.now(UTC)
    if left <= timedelta():
        return failed(KEY, f"The key expired on {day}.", "Create a new key.", seconds)
    if left < EXPIRES_SOON:
        return warning(
            KEY, f"ACTIVE, but expires in {left.days} days, on {day}.", "Create a new key before then.", seconds
        )
    return passed(KEY, f"ACTIVE until {day}.", seconds)


def _account(interview: _Interview, row: ProjectDraft) -> Finding:
    finding = interview.findings[ACCOUNT]
    if not interview.account_id:
        if finding.outcome is Outcome.WARNING and not row.account_id:
            return failed(ACCOUNT, finding.found, "Type the Account ID: it could not be filled in.", finding.seconds)
        return finding
    if not row.account_id:
        return passed(ACCOUNT, f"Filled in: {interview.account_id}.", finding.seconds)
    if row.account_id == interview.account_id:
        return finding
    return failed(
        ACCOUNT,
        f"The key belongs to account {interview.account_id}, not to {row.account_id}.",
        "Correct the Account ID, or paste a key of that account.",
        finding.seconds,
    )


def _rights(run: Run, api: Oapi) -> Finding:
    watch = Stopwatch()
    today = datetime.now(UTC).date()
    period = {"FromDate": str(today - timedelta(days=1)), "ToDate": str(today)}
    missing = []
    try:
        for call in PLATFORM_CALLS:
            if run.stop.is_set():
                return skipped(RIGHTS, STOPPED)
            if not api.may(call, **(period if call == "ReadConsumptionAccount" else {})):
                missing.append(call)
    except OutscaleError as error:
        return refused(RIGHTS, error, watch.lap())
    if not missing:
        return passed(RIGHTS, f"May make the {len(PLATFORM_CALLS)} calls that a platform needs.", watch.lap())
    return warning(
        RIGHTS,
        f"May not call {', '.join(missing)}.",
        "Give the EIM user a policy that allows them (for example api:Read*), or use a key of the root user.",
        watch.lap(),
    )


def _onboarded(row: ProjectDraft, account_id: str, known: Known) -> Finding:
    same_key = known.key(row.access_key)
    if same_key:
        return warning(ONBOARDED, f"This key is in {_names(same_key)} already.", "Is a second copy wanted?")
    same_account = known.account(account_id, row.region) if account_id else []
    if same_account:
        return warning(
            ONBOARDED,
            f"Account {account_id} in {row.region} is in {_names(same_account)} already.",
            "Is a second copy wanted?",
        )
    return passed(ONBOARDED, "Neither the key nor the account.")


def _names(places: list[str]) -> str:
    return ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
