"""Who may do what: the one table. A screen shows its rows, and every service function is held to them.

A role's reach is the second half of the answer: finance sees billing only and presenters the sandbox only, wherever the
table lets them in; see `core.services.scope`."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Concatenate, ParamSpec, TypeVar

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.scope import beyond, scope_of
from core.services.use_case import refuse
from core.services.workspace import Workspace

P = ParamSpec("P")
Answer = TypeVar("Answer")

_ALL = frozenset(Role)
_ADMINISTRATION = frozenset({Role.ADMINISTRATOR})
_SUPERVISION = _ADMINISTRATION | {Role.AUDITOR}
_ONBOARDING = _ADMINISTRATION | {Role.OPERATOR, Role.PRESENTER}
_ONBOARDING_SEEN = _ONBOARDING | {Role.AUDITOR}
_BILLING = _ADMINISTRATION | {Role.FINANCE, Role.PRESENTER}
_BOTH = _ONBOARDING | _BILLING


@dataclass(frozen=True)
class Right:
    """One row: what somebody does, in plain words, which roles may, and the service functions that do it
    (`module.function` in `core.services`)."""

    area: str
    what: str
    roles: frozenset[Role]
    functions: tuple[str, ...]


def _rights(area: str, *rows: tuple[str, frozenset[Role], str]) -> tuple[Right, ...]:
    return tuple(Right(area, what, roles, tuple(functions.split())) for what, roles, functions in rows)


RIGHTS: tuple[Right, ...] = (
    *_rights(
        "Home",
        (
            "See what needs attention, figures, and what happened lately",
            _ALL,
            "attention.attention overview.overview lately.lately",
        ),
        ("Read the keys of every account again", _ONBOARDING, "attention.refresh_keys"),
        ("Look something up in the help", _ALL, "help.find_help"),
    ),
    *_rights(
        "Account requests",
        (
            "See requests and their letters",
            _ONBOARDING_SEEN,
            "request_views.list_requests request_views.show_request request_views.waiting request_views.copy_sources",
        ),
        (
            "Write and send requests, record answers",
            _ONBOARDING,
            "requests.save_draft requests.delete_draft requests.send requests.mark_sent request_answers.grant "
            "request_answers.refuse requests.annotate requests.remind request_answers.poll_answers",
        ),
    ),
    *_rights(
        "Accounts",
        (
            "See known accounts and open keypairs",
            _ONBOARDING_SEEN,
            "accounts.list_accounts accounts.show_account accounts.methods keypairs.open_keypair_intents",
        ),
        (
            "Add, edit and forget accounts",
            _ONBOARDING,
            "accounts.add_account accounts.edit_account accounts.forget_account",
        ),
        (
            "Read accounts at OUTSCALE, and change them there",
            _ONBOARDING,
            "account_data.read_from_key account_data.refresh account_data.update_account",
        ),
        (
            "List, create, import and delete keypairs",
            _ONBOARDING,
            "keypairs.list_keypairs keypairs.create_keypair keypairs.import_keypair keypairs.delete_keypair "
            "keypairs.resolve_keypair_intent keypairs.take",
        ),
    ),
    *_rights(
        "Access keys",
        (
            "See which keys are known, open or being rotated",
            _ONBOARDING_SEEN,
            "doors.known_accounts signing.signing_keys seen.seen_keys key_intents.open_intents "
            "rotation.list_rotations rotation.show_rotation",
        ),
        (
            "Open an account and list its keys",
            _ONBOARDING,
            "doors.open_with_password doors.open_with_key access_keys.list_keys access_keys.list_users",
        ),
        (
            "Create, change and delete keys",
            _ONBOARDING,
            "access_keys.create_key access_keys.change_key access_keys.delete_key key_intents.search "
            "key_intents.revoke key_intents.disown",
        ),
        ("Take the secret of a new key", _ONBOARDING, "key_intents.waiting_secret key_intents.take"),
        (
            "Rotate keys, and bring old ones back",
            _ONBOARDING,
            "rotation.begin_rotation rotation.advance rotation.bring_back",
        ),
    ),
    *_rights(
        "Credentials",
        ("See credentials, never their secrets", _ALL, "credentials.list_credentials credentials.show_credentials"),
        (
            "Add and edit credentials",
            _BOTH,
            "onboarding.check_draft onboarding.name_taken onboarding.add_credentials",
        ),
        ("Check credentials again", _BOTH, "credentials.check_again"),
        ("Enable and disable credentials", _BOTH, "credentials.set_enabled"),
        ("Delete credentials", _BOTH, "credentials.delete_credentials"),
        ("Save the list of credentials as a file", _ALL, "credentials.export_credentials"),
    ),
    *_rights(
        "Billing buckets",
        (
            "See buckets and their listings",
            _ALL,
            "billing.bucket_choices bucket_index.index_of bucket_index.objects_of bucket_index.changes_of "
            "bucket_pages.page bucket_pages.object_of bucket_pages.export downloads.within downloads.export_listing "
            "mappings.list_mappings",
        ),
        (
            "List buckets again, preview and download files",
            _BOTH,
            "bucket_index.refresh billing.list_objects preview.preview mappings.proposed downloads.fetch",
        ),
        ("Make a link that gives a file to anybody", _BILLING, "downloads.make_link"),
        ("Look for the buckets of project keys", _ONBOARDING, "billing.project_buckets"),
    ),
    *_rights(
        "Costs",
        (
            "See costs and budgets, save costs as a file",
            _ALL,
            "costs.costs costs.files costs.lines costs.query_lines costs.values costs.period_known "
            "costs.list_left_out cost_forecast.forecast cost_trend.cost_trend cost_compare.compare cost_export.export "
            "cost_export.as_file costs.without_lines bill_files.bill_objects bill_files.refused_lines "
            "budgets.list_budgets budgets.cost_alerts",
        ),
        ("Read bill files", _BILLING, "bill_pull.pull"),
        (
            "Map the columns of bill files",
            _BILLING,
            "mappings.save_mapping mappings.apply_again mappings.delete_mappings",
        ),
        ("Hold bills against OUTSCALE's own figures", _BILLING, "reconcile.reconcile"),
        (
            "Set budgets, mail what needs attention",
            _BILLING,
            "budgets.save_budget budgets.delete_budget budgets.mail_alerts",
        ),
    ),
    *_rights(
        "Walkthrough",
        (
            "Walk through the onboarding on the sandbox",
            _ONBOARDING,
            "walkthrough.show_tour walkthrough.do_step walkthrough.start_over",
        ),
    ),
    *_rights(
        "Administration",
        ("See the policy, and who may do what", _SUPERVISION, "policy.show_policy"),
        ("Set the policy", _ADMINISTRATION, "policy.set_policy"),
        (
            "See, verify and export the audit trail",
            _SUPERVISION,
            "audit.list_trail audit.trail_actions audit.verify_trail audit_export.export_trail audit_export.trail_file",
        ),
        ("See who signed in", _SUPERVISION, "people.list_people"),
        (
            "End others' sessions, block and unblock people",
            _ADMINISTRATION,
            "people.end_sessions people.block_person people.unblock_person",
        ),
        ("Sign out, here and everywhere", _ALL, "people.sign_out people.end_own_sessions"),
        ("See which hosts are allowed", _SUPERVISION, "allowed_hosts.list_allowed_hosts"),
        (
            "Allow hosts, and allow them no more",
            _ADMINISTRATION,
            "allowed_hosts.allow_host allowed_hosts.remove_allowed_host",
        ),
        (
            "Reveal a sealed secret",
            _ADMINISTRATION,
            "reveal.sealed_secrets reveal.reveal local_password.password_is_set local_password.set_password",
        ),
        (
            "Change the keys that secrets are sealed under, and check them",
            _ADMINISTRATION,
            "vault_rotation.rotate_vault vault_check.check_vault vault_check.vault_status",
        ),
        ("Make a backup", _ADMINISTRATION, "backup.make_backup"),
        (
            "Use stored keys for anything else, as a program may",
            _ADMINISTRATION,
            "allowed_hosts.with_proxy_refusal billing.open_storage billing.storage_key doors.through "
            "kept_keys.kept_secret key_intents.begin key_intents.lost_keys key_intents.remove line_keeper.line_keeper "
            "onboarding.run_checks signing.by_stored_key",
        ),
    ),
)

_BY_FUNCTION = {function: right for right in RIGHTS for function in right.functions}
_within: ContextVar[bool] = ContextVar("within a use case", default=False)
"""Whether a use case that was allowed is under way: what it calls is a part of it."""


def right_of(function: str) -> Right:
    """The row that covers a service function, such as `credentials.delete_credentials`.

    Raises LookupError for one that the table does not name."""
    if function not in _BY_FUNCTION:
        raise LookupError(f"{function} is in no row of core/services/rights.py: say who may use it")
    return _BY_FUNCTION[function]


def may(role: Role, function: str) -> bool:
    """Whether a role may use a service function at all."""
    return role in right_of(function).roles


def why_not(role: Role, function: str) -> str:
    """Why a role may not use a service function, and who may; empty when it may."""
    right = right_of(function)
    return "" if role in right.roles else _why(role, right)


def extent(role: Role, right: Right) -> str:
    """How far a role may go: `yes`, `no`, `billing only` or `sandbox only`."""
    if role not in right.roles:
        return "no"
    if right.area == "Administration":  # knows neither billing nor Regions
        return "yes"
    return {Role.FINANCE: "billing only", Role.PRESENTER: "sandbox only"}.get(role, "yes")


def use_case(
    function: Callable[Concatenate[Actor, Workspace, P], Answer],
) -> Callable[Concatenate[Actor, Workspace, P], Answer]:
    """Hold a service function to the table: whoever calls it must have a role that may use it, and name no place that
    this role does not see. A refusal is recorded. What an allowed function calls is not asked again.

    The function raises NotAllowedError then, and StoreError when the refusal cannot be recorded.
    Raises LookupError for a function that is in no row."""
    name = f"{function.__module__.removeprefix('core.services.')}.{function.__name__}"
    right = right_of(name)
    parameters = signature(function)

    @wraps(function)
    def held(actor: Actor, workspace: Workspace, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        if _within.get():
            return function(actor, workspace, *args, **kwargs)
        if actor.role not in right.roles:
            raise refuse(actor, workspace, name, name, _why(actor.role, right))
        scope = scope_of(actor, workspace)
        if not scope.everything:
            given = parameters.bind(actor, workspace, *args, **kwargs).arguments
            if why := beyond(actor.role, workspace, scope, given):
                raise refuse(actor, workspace, name, name, why)
        token = _within.set(True)
        try:
            return function(actor, workspace, *args, **kwargs)
        finally:
            _within.reset(token)

    return held


def _why(role: Role, right: Right) -> str:
    others = [one.value for one in Role if one in right.roles]
    named = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} and {others[-1]}"
    return f"{right.area}: “{right.what}” is not for the role {role.value}. Those who may: {named}."
