"""How each service function is called by somebody of a role, for what is at a place."""

import importlib
import inspect
import pkgutil
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from pydantic import SecretStr
from sqlmodel import select

import core.services
from core.domain.accounts import AccountDraft
from core.domain.actor import Actor
from core.domain.bill_lines import Field, Mapping
from core.domain.costs import BudgetDraft, CostQuery
from core.domain.credentials import CredentialsDraft
from core.domain.requests import RequestDraft
from core.domain.roles import Role
from core.outscale.models import StoredObject
from core.sandbox.places import WEST
from core.services.audit import TrailFilter
from core.services.bucket_pages import Search
from core.services.checks.run import Run
from core.services.costs import FileShare
from core.services.key_intents import About
from core.services.mappings import MappingView
from core.services.onboarding import CheckReport
from core.services.policy import PolicyFigures
from core.services.reveal import SealedSecret
from core.services.signing import api_with
from core.services.walkthrough_steps import Step
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent
from core.store.tables.credentials import Project
from core.store.tables.policy import Policy
from tests.services.rights.world import MAPPING, REAL, Place, World

MACHINERY = {"rights", "scope", "use_case"}
"""Modules that are the way in, not what is behind it."""


def found() -> dict[str, Callable[..., Any]]:
    """Every public service function that takes who acts and the workspace, by its name in the table."""
    functions = {}
    for module in pkgutil.walk_packages(core.services.__path__, "core.services."):
        name = module.name.removeprefix("core.services.")
        if name in MACHINERY:
            continue
        for member, function in vars(importlib.import_module(module.name)).items():
            own = inspect.isfunction(function) and function.__module__ == module.name
            if own and not member.startswith("_") and list(inspect.signature(function).parameters)[:2] == SIGNED:
                functions[f"{name}.{member}"] = function
    return functions


SIGNED = ["actor", "workspace"]
FUNCTIONS = found()


FIGURES = PolicyFigures.model_validate(Policy())
QUERY = CostQuery(since=date(2026, 1, 1), until=date(2026, 2, 1))
ROWS = pl.DataFrame({"a": ["2026-01-01"], "b": ["1.00"]})
THING = StoredObject(key="none", size=1, modified=datetime(2026, 1, 1, tzinfo=UTC), etag="e", storage_class="STANDARD")
PASSPHRASE = SecretStr("a long enough passphrase")  # pragma: allowlist secret - of this test alone
SEALED = SealedSecret(table="project", row="none", field="secret_key", subject="none")
STOPPED = threading.Event()
STOPPED.set()


def given(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs


def share(at: Place) -> FileShare:
    return FileShare(at.region, at.choice.bucket, f"bill of {at.region}.csv", "EUR", 0, 0, kept=False)  # type: ignore[arg-type]


def version(at: Place) -> MappingView:
    return MappingView("x", "none/", 1, Mapping(layout="custom", columns={}), None, [], "anna", now(), False)


def run(world: World) -> Run:
    here = world.workspace
    return Run(here.settings, here.regions, here.allowed, progress=None, stop=threading.Event())


def api(world: World) -> Any:
    account = world.workspace.store
    with account.reading() as session:
        row = session.exec(select(Project).where(Project.access_key == world.here.access_key)).one()
        secret = core.services.sealed.project_secret(world.workspace.vault, row)
    return api_with(world.workspace, WEST, world.here.access_key, secret)


Arguments = Callable[[World, Place, Role], tuple[tuple[Any, ...], dict[str, Any]]]
ARGUMENTS: dict[str, Arguments] = {
    "allowed_hosts.allow_host": lambda *_: given("proxy.example.org", "a note"),
    "allowed_hosts.list_allowed_hosts": lambda *_: given(),
    "allowed_hosts.remove_allowed_host": lambda *_: given("proxy.example.org"),
    "allowed_hosts.with_proxy_refusal": lambda *_: given([], SecretStr("")),
    "audit_export.export_trail": lambda world, _, role: given(TrailFilter(), "jsonl", world.folder / f"{role}.jsonl"),
    "audit.list_trail": lambda *_: given(TrailFilter()),
    "audit.trail_actions": lambda *_: given(),
    "audit_export.trail_file": lambda *_: given(TrailFilter(), "csv", "trail.csv"),
    "audit.verify_trail": lambda *_: given(),
    "backup.make_backup": lambda world, _, role: given(world.folder / f"{role}.backup", PASSPHRASE),
    "credentials.export_credentials": lambda *_: given([]),
    "local_password.password_is_set": lambda *_: given(),
    "local_password.set_password": lambda *_: given(PASSPHRASE),
    "people.block_person": lambda *_: given("nobody"),
    "people.end_own_sessions": lambda *_: given("none"),
    "people.end_sessions": lambda *_: given("nobody"),
    "people.list_people": lambda *_: given(),
    "people.sign_out": lambda *_: given("none"),
    "people.unblock_person": lambda *_: given("nobody"),
    "reveal.reveal": lambda *_: given(SEALED, reason="needed for a test"),
    "reveal.sealed_secrets": lambda _, at, __: given(at.project),
    "vault_check.check_vault": lambda *_: given(),
    "walkthrough.do_step": lambda *_: given(Step.GRANT),
    "walkthrough.show_tour": lambda *_: given(),
    "walkthrough.start_over": lambda *_: given(),
    "vault_check.vault_status": lambda *_: given(),
    "vault_rotation.rotate_vault": lambda *_: given(stop=STOPPED),
    "access_keys.change_key": lambda _, at, __: given(at.shut, at.access_key, state="ACTIVE"),
    "access_keys.create_key": lambda _, at, __: given(at.shut),
    "access_keys.delete_key": lambda _, at, __: given(at.shut, at.access_key, at.access_key),
    "access_keys.list_keys": lambda _, at, __: given(at.door),
    "access_keys.list_users": lambda _, at, __: given(at.door),
    "account_data.read_from_key": lambda _, at, __: given("A", SecretStr("short"), at.region),
    "account_data.refresh": lambda _, at, __: given(at.account, at.region),
    "account_data.update_account": lambda _, at, __: given(at.account, at.region, {}),
    "accounts.add_account": lambda _, at, __: given(AccountDraft(account_id=at.account, region=at.region)),
    "accounts.edit_account": lambda _, at, __: given(at.account, at.region, notes="edited"),
    "accounts.forget_account": lambda _, at, __: given(at.account, at.region),
    "accounts.list_accounts": lambda *_: given(),
    "accounts.methods": lambda _, at, __: given(at.account, at.region),
    "accounts.show_account": lambda _, at, __: given(at.account, at.region),
    "attention.attention": lambda *_: given(),
    "attention.refresh_keys": lambda *_: given(STOPPED),
    "bill_files.bill_objects": lambda *_: given(),
    "bill_files.refused_lines": lambda _, at, __: given(at.bill),
    "bill_pull.pull": lambda _, at, __: given([at.choice], stop=STOPPED),
    "billing.bucket_choices": lambda *_: given(),
    "billing.list_objects": lambda _, at, __: given(at.choice),
    "billing.open_storage": lambda _, at, __: given(at.choice, "test"),
    "billing.project_buckets": lambda *_: given(),
    "billing.storage_key": lambda _, at, __: given(at.choice, "test"),
    "bucket_index.changes_of": lambda _, at, __: given(at.choice),
    "bucket_index.index_of": lambda _, at, __: given(at.choice),
    "bucket_index.objects_of": lambda _, at, __: given(at.choice),
    "bucket_index.refresh": lambda _, at, __: given(at.choice),
    "bucket_pages.export": lambda world, at, role: given(
        at.choice, Search(recursive=True), "csv", world.folder / f"{role}.csv"
    ),
    "bucket_pages.object_of": lambda _, at, __: given(at.choice, "none"),
    "bucket_pages.page": lambda _, at, __: given(at.choice, Search(), 0, 10),
    "budgets.cost_alerts": lambda *_: given(),
    "budgets.delete_budget": lambda _, at, role: given(at.budget if at.region == REAL else f"none of {role}"),
    "budgets.list_budgets": lambda *_: given(),
    "budgets.mail_alerts": lambda *_: given(),
    "budgets.save_budget": lambda _, at, __: given(
        BudgetDraft(scope="credentials", name=at.billing, currency="EUR", amount="25")
    ),
    "cost_compare.compare": lambda *_: given(QUERY, "service", "month"),
    "cost_export.as_file": lambda *_: given(QUERY, "csv", "costs.csv"),
    "cost_export.export": lambda world, _, role: given(QUERY, "csv", world.folder / f"costs {role}.csv"),
    "cost_forecast.forecast": lambda *_: given(QUERY),
    "cost_trend.cost_trend": lambda *_: given(),
    "costs.costs": lambda *_: given(QUERY),
    "costs.files": lambda *_: given(QUERY),
    "costs.lines": lambda _, at, __: given(QUERY, share(at), 0, 10),
    "costs.list_left_out": lambda *_: given(),
    "costs.period_known": lambda *_: given(),
    "costs.query_lines": lambda *_: given(QUERY),
    "costs.without_lines": lambda *_: given(),
    "costs.values": lambda *_: given(Field.ACCOUNT),
    "credentials.check_again": lambda _, at, role: given([at.billing if role is Role.FINANCE else at.project]),
    "credentials.delete_credentials": lambda _, at, __: given(
        at.project, "not its name" if at.region == WEST else at.project
    ),
    "credentials.list_credentials": lambda *_: given(),
    "credentials.set_enabled": lambda _, at, __: given([at.project], at.region == WEST),
    "credentials.show_credentials": lambda _, at, role: given(at.billing if role is Role.FINANCE else at.project),
    "doors.known_accounts": lambda *_: given(),
    "doors.open_with_key": lambda _, at, __: given(at.access_key, at.region),
    "doors.open_with_password": lambda _, at, __: given("nobody", SecretStr("x"), at.region),
    "doors.through": lambda _, at, __: given(at.shut),
    "downloads.export_listing": lambda _, at, __: given(at.choice, Search(), "csv"),
    "downloads.fetch": lambda _, at, __: given(at.choice, [THING]),
    "downloads.make_link": lambda _, at, __: given(at.choice, "none", timedelta(hours=1)),
    "downloads.within": lambda _, at, __: given(at.choice, ["none/"]),
    "kept_keys.kept_secret": lambda _, at, __: given("none", at.region),
    "help.find_help": lambda *_: given("14"),
    "key_intents.begin": lambda _, at, __: given(About(at.region, at.account), []),
    "key_intents.disown": lambda _, at, role: given(at.intent if at.region == REAL else f"none of {role}"),
    "key_intents.lost_keys": lambda world, at, __: given(
        api(world), KeyIntent(actor="anna", region=at.region, account_id="")
    ),
    "key_intents.open_intents": lambda *_: given(),
    "key_intents.remove": lambda world, at, __: given(api(world), "NONE", at.region, ""),
    "key_intents.revoke": lambda _, at, __: given(at.intent, at.shut, "NONE"),
    "key_intents.search": lambda _, at, __: given(at.intent, at.shut),
    "key_intents.take": lambda _, at, __: given(at.intent),
    "key_intents.waiting_secret": lambda _, at, __: given(at.intent),
    "keypairs.create_keypair": lambda _, at, __: given(at.account, at.region, ""),
    "keypairs.delete_keypair": lambda _, at, __: given(at.account, at.region, "a", "b"),
    "keypairs.import_keypair": lambda _, at, __: given(at.account, at.region, "", SecretStr("")),
    "keypairs.list_keypairs": lambda _, at, __: given(at.account, at.region),
    "keypairs.open_keypair_intents": lambda *_: given(),
    "keypairs.resolve_keypair_intent": lambda _, at, role: given(
        at.keypair if at.region == REAL else f"none of {role}"
    ),
    "keypairs.take": lambda _, at, role: given(at.keypair if at.region == REAL else f"none of {role}"),
    "lately.lately": lambda *_: given(),
    "line_keeper.line_keeper": lambda *_: given(),
    "mappings.apply_again": lambda _, at, __: given(at.choice, version(at)),
    "mappings.delete_mappings": lambda _, at, __: given(at.choice, "none/" if at.region == WEST else ""),
    "mappings.list_mappings": lambda _, at, __: given(at.choice),
    "mappings.proposed": lambda _, at, __: given(at.choice, "a.csv", ROWS),
    "mappings.save_mapping": lambda _, at, __: given(at.choice, "a/", MAPPING, None, ["a", "b"]),
    "onboarding.add_credentials": lambda _, at, role: given(
        at.draft_of(billing_only=role is Role.FINANCE), CheckReport("new")
    ),
    "onboarding.check_draft": lambda _, at, role: given(at.draft_of(billing_only=role is Role.FINANCE)),
    "onboarding.name_taken": lambda *_: given("free"),
    "onboarding.run_checks": lambda world, *_: given(CredentialsDraft(name="new"), run(world)),
    "overview.overview": lambda *_: given(),
    "policy.set_policy": lambda *_: given(FIGURES),
    "policy.show_policy": lambda *_: given(),
    "preview.preview": lambda _, at, __: given(at.choice, "none"),
    "reconcile.reconcile": lambda _, at, __: given(at.account, at.region, QUERY.since, QUERY.until),
    "requests.annotate": lambda _, at, __: given(at.draft, owner="me", notes=""),
    "request_views.copy_sources": lambda *_: given(),
    "requests.delete_draft": lambda _, at, role: given(at.draft if at.region == REAL else f"none of {role}"),
    "request_answers.grant": lambda _, at, __: given(at.draft, at.account, at.region),
    "request_views.list_requests": lambda *_: given(),
    "requests.mark_sent": lambda _, at, __: given(at.draft),
    "request_answers.poll_answers": lambda *_: given(),
    "request_answers.refuse": lambda _, at, role: given(at.request if at.region == REAL else f"none of {role}"),
    "requests.remind": lambda _, at, role: given(at.request if at.region == REAL else f"none of {role}"),
    "requests.save_draft": lambda _, at, __: given(RequestDraft(region=at.region, company="Some")),
    "requests.send": lambda _, at, __: given(at.draft),
    "request_views.show_request": lambda _, at, __: given(at.request),
    "request_views.waiting": lambda *_: given(),
    "rotation.advance": lambda _, at, role: given(at.rotation if at.region == REAL else f"none of {role}"),
    "rotation.begin_rotation": lambda _, at, __: given("NONE", at.region),
    "rotation.bring_back": lambda _, at, role: given(at.rotation if at.region == REAL else f"none of {role}"),
    "rotation.list_rotations": lambda *_: given(ended=True),
    "rotation.show_rotation": lambda _, at, __: given(at.rotation),
    "seen.seen_keys": lambda _, at, __: given(at.account, at.region),
    "signing.by_stored_key": lambda _, at, __: given(at.account, at.region, lambda api, found: found),
    "signing.signing_keys": lambda *_: given(),
}
"""What each function is called with: nothing that the sandbox would miss, and of the other Region what is there."""


def call(world: World, role: Role, function: str, at: Place) -> Any:
    """Call it for real; what a context manager gives is its answer."""
    args, kwargs = ARGUMENTS[function](world, at, role)
    answer = FUNCTIONS[function](Actor(name=f"{role}", via="test", role=role), world.workspace, *args, **kwargs)
    if isinstance(answer, AbstractContextManager):
        with answer as inside:
            return inside
    return answer.collect() if isinstance(answer, pl.LazyFrame) else answer


def told(answer: Any) -> str:
    """Everything that an answer says."""
    if isinstance(answer, pl.DataFrame):
        return str(answer.to_dicts())
    if isinstance(answer, list):
        return " ".join(map(told, answer))
    return repr(answer)
