"""The account itself, its access rules, the Regions and its quotas."""

import re
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from core.sandbox.asking import Answer, Asking, Call
from core.sandbox.calls.access_keys import KEYS_PER_USER
from core.sandbox.calls.parameters import Parameters, matches, page
from core.sandbox.refusals import BAD_ACCOUNT_VALUE, BAD_VALUE, DUPLICATE_EMAIL, MISSING, WRONG_PASSWORD, RefusedError
from core.sandbox.world import CloudAccount

MOST_KEY_SECONDS = 3_153_600_000
"""The longest life that an API access policy may set (UpdateApiAccessPolicy): a hundred years."""
_EMAIL = re.compile(r".+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+")


def read_accounts(asking: Asking, _parameters: Parameters) -> Answer:
    """The account that asks."""
    return {"Accounts": [_shown(asking.own)]}


def update_account(asking: Asking, parameters: Parameters) -> Answer:
    """Change the account's data."""
    account, changes = asking.own, {name: value for name, value in parameters.items() if name != "DryRun"}
    if not changes:
        raise RefusedError(MISSING, "Missing parameter: something to change.")
    email, others = changes.pop("Email", account.email), changes.pop("AdditionalEmails", account.additional_emails)
    for one in (email, *others):
        if not _EMAIL.fullmatch(one):
            raise RefusedError(BAD_ACCOUNT_VALUE, "One of the emails is not an email address.")
    owner = asking.world.find_email(email, asking.region)
    if owner not in (None, account):
        raise RefusedError(DUPLICATE_EMAIL, "This email belongs to another account.")
    account.email, account.additional_emails = email, others
    account.details |= changes
    asking.changed = True
    return {"Account": _shown(account)}


def check_authentication(asking: Asking, parameters: Parameters) -> Answer:
    """Compare an email and a password; says nothing more when they are right."""
    if not (parameters["Login"] and parameters["Password"]):
        raise RefusedError(MISSING, "Missing parameter: Login or Password.")
    if not asking.check_password(parameters["Login"], SecretStr(parameters["Password"])):
        raise RefusedError(WRONG_PASSWORD, "The login or the password is wrong.")
    return {}


def read_api_access_policy(asking: Asking, _parameters: Parameters) -> Answer:
    """How long the account's keys may live, in seconds (0: any length), and whether its people must use a trusted
    environment."""
    own = asking.own
    return {
        "ApiAccessPolicy": {
            "MaxAccessKeyExpirationSeconds": own.max_key_seconds,
            "RequireTrustedEnv": own.trusted_env,
        }
    }


def update_api_access_policy(asking: Asking, parameters: Parameters) -> Answer:
    """Set the account's API access policy. A bound must exceed the remaining life of each of its keys, so that none may
    be everlasting; a trusted environment wants a bound (UpdateApiAccessPolicy). No public source names the codes of
    these refusals."""
    seconds, own = parameters["MaxAccessKeyExpirationSeconds"], asking.own
    if not 0 <= seconds <= MOST_KEY_SECONDS:
        raise RefusedError(BAD_VALUE, f"MaxAccessKeyExpirationSeconds must be between 0 and {MOST_KEY_SECONDS}.")
    if parameters["RequireTrustedEnv"] and not seconds:
        raise RefusedError(BAD_VALUE, "RequireTrustedEnv wants a MaxAccessKeyExpirationSeconds greater than 0.")
    latest = asking.moment + timedelta(seconds=seconds)
    keys = [key for user in own.everyone for key in user.keys]
    if seconds and any(key.expires is None or key.expires >= latest for key in keys):
        raise RefusedError(
            BAD_VALUE, "MaxAccessKeyExpirationSeconds must be greater than the remaining lifetime of each access key."
        )
    own.max_key_seconds, own.trusted_env = seconds, parameters["RequireTrustedEnv"]
    asking.changed = True
    return read_api_access_policy(asking, parameters)


def read_api_access_rules(asking: Asking, parameters: Parameters) -> Answer:
    """The account's one rule: the addresses that it lets in."""
    rule = {
        "ApiAccessRuleId": f"aar-{asking.own.account_id[:8]}",
        "CaIds": [],
        "Cns": [],
        "Description": "Addresses that may call the API",
        "IpRanges": asking.own.ip_ranges,
    }
    filters = parameters.get("Filters", {})
    ranges = filters.get("IpRanges")
    found = (
        matches(rule["ApiAccessRuleId"], filters.get("ApiAccessRuleIds"))
        and matches(rule["Description"], filters.get("Descriptions"))
        and (not ranges or bool(set(ranges) & set(asking.own.ip_ranges)))
        and not filters.get("CaIds")
        and not filters.get("Cns")
    )
    return {"ApiAccessRules": [rule] if found else []}


def read_regions(asking: Asking, _parameters: Parameters) -> Answer:
    """The sandbox's Regions; as the real ones, their endpoints have no scheme."""
    return {"Regions": [{"RegionName": name, "Endpoint": host} for name, host in asking.endpoints.items()]}


def read_quotas(asking: Asking, parameters: Parameters) -> Answer:
    """Limits and how much of them is used. No virtual machine runs here, so that most are unused."""
    filters, account = parameters.get("Filters", {}), asking.own
    rows: list[tuple[str, str, str, int, int]] = [
        ("accesskey_limit", "Access keys", "API", KEYS_PER_USER, len(account.root.keys)),
        ("keypair_limit", "Keypairs", "FCU", 100, len(account.keypairs)),
        ("vm_limit", "VM limit", "FCU", 50, 0),
        ("core_limit", "Core limit", "FCU", 200, 0),
        ("memory_limit", "Memory limit (GiB)", "FCU", 800, 0),
        ("volume_limit", "Volume limit", "FCU", 200, 0),
        ("eip_limit", "Public IP limit", "FCU", 20, 0),
        ("vpc_limit", "Net limit", "VPC", 5, 0),
        ("lb_limit", "Load balancer limit", "LBU", 20, 0),
    ]
    quotas = [
        {
            "Name": name,
            "ShortDescription": title,
            "Description": f"{title} of the account in this Region.",
            "QuotaCollection": collection,
            "AccountId": account.account_id,
            "MaxValue": most,
            "UsedValue": used,
        }
        for name, title, collection, most, used in rows
        if matches(name, filters.get("QuotaNames"))
        and matches(title, filters.get("ShortDescriptions"))
        and matches(collection, filters.get("Collections"))
        and matches("global", filters.get("QuotaTypes"))
    ]
    part, token = page(parameters, len(quotas))
    return {"QuotaTypes": [{"QuotaType": "global", "Quotas": quotas[part]}] if quotas[part] else [], **token}


def _shown(account: CloudAccount) -> dict[str, Any]:
    """Real answers leave empty fields out."""
    shown: dict[str, Any] = {"AccountId": account.account_id, "Email": account.email, "OutscaleLoginAllowed": False}
    shown |= {name: value for name, value in account.details.items() if value}
    if account.additional_emails:
        shown["AdditionalEmails"] = account.additional_emails
    return shown


ACCOUNT_CALLS: dict[str, Call] = {
    "ReadAccounts": read_accounts,
    "UpdateAccount": update_account,
    "CheckAuthentication": check_authentication,
    "ReadApiAccessPolicy": read_api_access_policy,
    "UpdateApiAccessPolicy": update_api_access_policy,
    "ReadApiAccessRules": read_api_access_rules,
    "ReadRegions": read_regions,
    "ReadQuotas": read_quotas,
}
