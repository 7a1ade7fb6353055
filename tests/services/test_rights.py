"""Who may do what: every service function is in the table, held to it for every role, and to what the role sees."""

import importlib
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr
from sqlmodel import SQLModel, select

import core.services
from core.domain.accounts import AccountDraft
from core.domain.actor import Actor
from core.domain.bill_lines import Field, Mapping
from core.domain.checks import State
from core.domain.costs import BudgetDraft, CostQuery
from core.domain.credentials import BucketDraft, CredentialsDraft, ProjectDraft
from core.domain.requests import RequestDraft
from core.domain.roles import Role
from core.outscale.models import StoredObject
from core.sandbox.places import EMPTY_BUCKET, WEST
from core.services import rights
from core.services.attention import Kind
from core.services.audit import TrailFilter
from core.services.billing import BucketChoice
from core.services.bucket_pages import Search
from core.services.checks.run import Run
from core.services.costs import FileShare
from core.services.credentials import delete_credentials
from core.services.doors import Door
from core.services.key_intents import About
from core.services.mappings import MappingView
from core.services.onboarding import CheckReport, add_credentials, check_draft
from core.services.policy import PolicyFigures
from core.services.reveal import SealedSecret
from core.services.rights import RIGHTS, may, right_of
from core.services.scope import regions_for
from core.services.signing import api_with
from core.services.use_case import NotAllowedError
from core.services.walkthrough_steps import Step
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.access_keys import KeptKey, KeyIntent, Rotation, SeenKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.audit import Event
from core.store.tables.bills import BillMapping, BillObject, BucketIndex, Budget
from core.store.tables.credentials import Bucket, Credentials, Project
from core.store.tables.policy import Policy
from core.vault.vault import Place as VaultPlace
from tests.services.conftest import billing, project_row, projects, stored

MACHINERY = {"rights", "scope", "use_case"}
"""Modules that are the way in, not what is behind it."""
REAL = "real-west-1"
DAY = timedelta(days=1)


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


@dataclass(frozen=True)
class Place:
    """Things of one Region to name as arguments."""

    region: str
    account: str
    access_key: str
    project: str
    """Name of project credentials."""
    billing: str
    """Name of billing credentials."""
    choice: BucketChoice
    own_choice: BucketChoice
    """A bucket of a project's key."""
    request: str
    draft: str
    intent: str
    keypair: str
    rotation: str
    budget: str
    bill: str

    @property
    def shut(self) -> Door:
        """A door whose password nobody holds."""
        return Door("gone", self.region, email="nobody@example.org")

    @property
    def door(self) -> Door:
        """One that a stored key opens."""
        return Door("", self.region, account_id=self.account, signed_by=self.access_key)

    def draft_of(self, *, billing_only: bool) -> CredentialsDraft:
        """Credentials that are well-formed but for their bucket or their secret."""
        if billing_only:
            buckets = [BucketDraft(name="Not A Bucket", region=self.region)]
            return CredentialsDraft(name="new", billing_only=True, billing_access_key="A", buckets=buckets)
        return CredentialsDraft(name="new", projects=[ProjectDraft(access_key="A", region=self.region)])


@dataclass(frozen=True)
class World:
    """A workspace that knows the sandbox and another Region, with the same things in both."""

    workspace: Workspace
    here: Place
    real: Place
    folder: Path


@pytest.fixture(scope="module")
def world(session_sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rights")
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "sandbox.json").symlink_to(session_sandbox.settings.sandbox_file)
    regions = folder / "regions.toml"
    nobody = "https://nobody.invalid"  # no such name
    regions.write_text(f'[[region]]\nname = "{REAL}"\nlabel = "Real"\napi = "{nobody}/api/v1"\noos = "{nobody}"\n')
    settings = Settings(home=home, sandbox_port=session_sandbox.settings.sandbox_port, regions=regions)
    workspace = open_workspace(settings)
    account = session_sandbox.account(0)
    stored(workspace, projects(project_row(account), name="open"))
    buckets = [{"name": EMPTY_BUCKET, "region": WEST}]
    stored(workspace, billing(session_sandbox.info, name="bills", buckets=buckets))
    key = account["access_keys"][0]["access_key_id"]
    yield World(
        workspace,
        put(workspace, WEST, account["account_id"], key, "open", "bills", EMPTY_BUCKET),
        put(workspace, REAL, "999988887777", "HIDDENKEY0000000001", "hidden-demo", "hidden-bills", "hidden-bucket"),
        folder,
    )
    workspace.close()


def put(
    workspace: Workspace, region: str, account: str, access_key: str, project: str, billing: str, bucket: str
) -> Place:
    """Things of a Region, written straight into the store."""
    place = {"region": region, "account_id": account}
    unread = {"region": region, "account_id": "555544443333"}  # no test asks OUTSCALE about it
    request = AccountRequest(
        kind="new", region=region, state="sent", company=f"Company in {region}", sent=now() - 9 * DAY
    )
    draft = AccountRequest(kind="new", region=region, company=f"Company in {region}")
    intent = KeyIntent(actor="anna", access_key=f"LOST{region}", **place)
    intent.begun = now() - DAY
    intent.secret_key_sealed = "" if region == REAL else None
    keypair = KeyIntent(kind="keypair", actor="anna", name=f"pair in {region}", begun=now() - DAY, **place)
    rotation = Rotation(old_key=f"OLD{region}", actor="anna", **place)
    budget = Budget(scope="account", name=account, currency="EUR", amount="10", actor="anna")
    bill = BillObject(
        region=region, bucket=bucket, key=f"bill of {region}.csv", etag="e", size=1, modified=now(), state="failed",
        accounts=[account], refused=1,
    )  # fmt: skip
    rows: list[SQLModel] = [
        request, draft, intent, keypair, rotation, budget, bill,
        Budget(scope="credentials", name=billing, currency="EUR", amount="20", actor="anna"),
        Budget(scope="service", name="compute", currency=f"{region[:2].upper()}X", amount="30", actor="anna"),
        BillMapping(region=region, bucket=bucket, prefix="", version=1, mapping=MAPPING.model_dump(mode="json"),
                    actor="anna", columns_seen=[f"column of {region}"]),
        BucketIndex(region=region, bucket=bucket, state="complete"),
        BucketIndex(region=region, bucket=f"own-{region}", state="failed", problem=f"own bucket of {region}"),
        KeptKey(access_key=f"KEPT{region}", secret_key_sealed="", **unread),
        SeenKey(access_key=f"SEEN{region}", state="ACTIVE", created=now() - 999 * DAY, **unread),
        Event(actor="anna", via="t", action="access_keys.open", subject=f"mail@{region}", details={"region": region}),
    ]  # fmt: skip
    if region == REAL:
        one, other = Credentials(name=project), Credentials(name=billing, billing_only=True)
        one.state = other.state = State.ERROR
        other.billing_access_key = "HIDDENBILLING000001"
        project_of = Project(credentials_id=one.id, position=0, access_key=access_key, secret_key_sealed="", **place)
        mixed = Credentials(name="hidden-mixed")
        here = Project(credentials_id=mixed.id, position=0, access_key="HIDDENMIXED0000001", secret_key_sealed="",
                       account_id="111122223333", region=WEST)  # fmt: skip
        there = Project(credentials_id=mixed.id, position=1, access_key=access_key, secret_key_sealed="", **place)
        rows += [Account(source="hand", company=f"Company in {region}", email=f"mail@{region}", **place)]
        first: list[SQLModel] = [one, other, mixed]
        rows += [project_of, here, there]
        rows += [Bucket(credentials_id=other.id, position=0, name=bucket, region=region)]
    else:
        first = []
    for row in (*first, *rows):
        if getattr(row, "secret_key_sealed", None) is not None:
            kept = VaultPlace(table=str(row.__tablename__), row=row.id, field="secret_key")  # type: ignore[attr-defined]
            row.secret_key_sealed = workspace.vault.seal(SecretStr("x"), kept)  # type: ignore[attr-defined]
    for some in (first, rows):
        with workspace.store.writing() as session:
            session.add_all(some)
    return Place(
        region, account, access_key, project, billing,
        BucketChoice(billing, bucket, region), BucketChoice(project, f"own-{region}", region, access_key),
        request.id, draft.id, intent.id, keypair.id, rotation.id, budget.id, bill.id,
    )  # fmt: skip


MAPPING = Mapping(layout="custom", columns={Field.DAY: "a", Field.COST: "b"})
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


def refusals(world: World, role: Role, function: str) -> int:
    with world.workspace.store.reading() as session:
        rows = session.exec(select(Event).where(Event.action == f"refused.{function}", Event.actor == f"{role}")).all()
    assert all(row.details["role"] == role and row.details["why"] for row in rows)
    return len(rows)


def told(answer: Any) -> str:
    """Everything that an answer says."""
    if isinstance(answer, pl.DataFrame):
        return str(answer.to_dicts())
    if isinstance(answer, list):
        return " ".join(map(told, answer))
    return repr(answer)


def test_every_service_function_is_in_the_table_and_nothing_else_is() -> None:
    named = [function for right in RIGHTS for function in right.functions]
    assert sorted(named) == sorted(FUNCTIONS), "say in core/services/rights.py who may use it"
    assert len(named) == len(set(named))


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_service_function_is_held_to_it(function: str) -> None:
    held = FUNCTIONS[function]
    assert held.__code__ is not held.__wrapped__.__code__, "decorate it with use_case"  # type: ignore[attr-defined]
    assert held.__qualname__ == function.rpartition(".")[2]


def test_one_that_nobody_decided_on_does_not_even_load() -> None:
    def unheard(actor: Actor, workspace: Workspace) -> None: ...

    unheard.__module__ = "core.services.accounts"
    with pytest.raises(LookupError, match="say who may use it"):
        rights.use_case(unheard)


def test_administrators_may_everything_and_nobody_else_sets_the_policy() -> None:
    assert all(Role.ADMINISTRATOR in right.roles for right in RIGHTS)
    assert [role for role in Role if may(role, "policy.set_policy")] == [Role.ADMINISTRATOR]


def test_presenters_may_what_operators_and_finance_may() -> None:
    for right in RIGHTS:
        assert (Role.PRESENTER in right.roles) is bool(right.roles & {Role.OPERATOR, Role.FINANCE})


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
@pytest.mark.parametrize("role", list(Role))
def test_the_table_is_what_happens(world: World, role: Role, function: str) -> None:
    assert function in ARGUMENTS, f"say in {__name__} what {function} is called with"
    before = refusals(world, role, function)
    if role in right_of(function).roles:
        call(world, role, function, world.here)
        assert refusals(world, role, function) == before
        return
    with pytest.raises(NotAllowedError) as refused:
        call(world, role, function, world.here)
    assert role.value in str(refused.value) and "administrator" in str(refused.value)
    assert refusals(world, role, function) == before + 1


def rows_of(world: World, wanted: Callable[[Any], bool]) -> dict[str, dict[str, Any]]:
    """Everything in the store that is in question, but events."""
    kept = {}
    with world.workspace.store.reading() as session:
        for table in (Account, AccountRequest, BillMapping, BillObject, Bucket, BucketIndex, Budget, Credentials,
                      KeptKey, KeyIntent, Project, Rotation, SeenKey):  # fmt: skip
            for row in session.exec(select(table)).all():
                if wanted(row):
                    kept[f"{table.__name__} {row.id}"] = row.model_dump()
    return kept


def real(row: Any) -> bool:
    """Whether it is the other Region's."""
    words = " ".join(map(str, row.model_dump().values()))
    return REAL in words or "hidden" in words.lower()


HIDDEN_FROM_PRESENTERS = (REAL, "999988887777", "HIDDEN", "hidden-")


@pytest.mark.parametrize("function", sorted(name for name in FUNCTIONS if may(Role.PRESENTER, name)))
def test_presenters_reach_nothing_but_the_sandbox(world: World, function: str) -> None:
    before = rows_of(world, real)
    assert len(before) > 15
    args, kwargs = ARGUMENTS[function](world, world.real, Role.PRESENTER)
    try:
        said = told(call(world, Role.PRESENTER, function, world.real))
    except NotAllowedError as refused:
        assert "sandbox" in str(refused)
    else:
        named = f"{args} {kwargs}"  # what was typed may be said again
        assert [word for word in HIDDEN_FROM_PRESENTERS if word in said and word not in named] == []
        assert f"Company in {REAL}" not in said
    assert rows_of(world, real) == before
    assert call(world, Role.ADMINISTRATOR, "accounts.show_account", world.real), "it is there all the same"


@pytest.mark.parametrize(
    "function",
    [
        "accounts.add_account", "account_data.read_from_key", "doors.open_with_password", "doors.open_with_key",
        "requests.save_draft", "request_answers.grant", "onboarding.check_draft", "onboarding.add_credentials",
        "billing.list_objects", "downloads.fetch", "bill_pull.pull", "reconcile.reconcile", "access_keys.create_key",
    ],
)  # fmt: skip
def test_presenters_choose_no_other_region(world: World, function: str) -> None:
    with pytest.raises(NotAllowedError, match=f"{REAL} is none of them"):
        call(world, Role.PRESENTER, function, world.real)


def test_presenters_are_offered_the_sandbox_alone(world: World) -> None:
    def offered(role: Role) -> set[bool]:
        return {one.sandbox for one in regions_for(Actor(name="x", role=role), world.workspace).values()}

    assert offered(Role.PRESENTER) == {True}
    assert offered(Role.OPERATOR) == offered(Role.FINANCE) == {True, False}


def test_without_the_sandbox_presenters_see_nothing(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with_nothing = replace(world.workspace, settings=world.workspace.settings.model_copy(update={"home": home}))
    presenter = Actor(name="x", role=Role.PRESENTER)
    assert list(regions_for(presenter, with_nothing)) == []
    assert FUNCTIONS["credentials.list_credentials"](presenter, with_nothing) == []
    assert FUNCTIONS["attention.attention"](presenter, with_nothing) == []


def test_presenters_see_what_is_the_sandboxs(world: World) -> None:
    def names(function: str) -> str:
        return told(call(world, Role.PRESENTER, function, world.here))

    assert world.here.account in names("accounts.list_accounts")
    assert "name='open'" in names("credentials.list_credentials") and "'bills'" in names("credentials.list_credentials")
    assert f"Company in {WEST}" in names("request_views.list_requests")
    assert f"LOST{WEST}" in names("key_intents.open_intents")
    assert f"OLD{WEST}" in names("rotation.list_rotations")
    assert f"SEEN{WEST}" in names("attention.attention")
    assert f"bill of {WEST}.csv" in names("bill_files.bill_objects")


HIDDEN_FROM_FINANCE = (
    "KEY0",
    "LOST",
    "OLD",
    "SEEN",
    "KEPT",
    "pair in",
    "Company",
    "'open'",
    "hidden-demo",
    "HIDDENMIXED",
)


@pytest.mark.parametrize("at", ["here", "real"])
@pytest.mark.parametrize("function", sorted(name for name in FUNCTIONS if may(Role.FINANCE, name)))
def test_finance_is_told_of_billing_alone(world: World, function: str, at: str) -> None:
    place: Place = getattr(world, at)
    said = told(call(world, Role.FINANCE, function, place))
    named = str(ARGUMENTS[function](world, place, Role.FINANCE))
    hidden = [*HIDDEN_FROM_FINANCE, world.here.access_key]
    assert [word for word in hidden if word in said and word not in named] == []


PROJECTS_BY_NAME = {
    "credentials.check_again": lambda name: given([name]),
    "credentials.delete_credentials": lambda name: given(name, name),
    "credentials.set_enabled": lambda name: given([name], False),
    "credentials.show_credentials": given,
    "onboarding.check_draft": lambda name: given(
        CredentialsDraft(name=name, billing_only=True, buckets=[BucketDraft(name="b", region=WEST)]), editing=True
    ),
    "onboarding.add_credentials": lambda name: given(
        CredentialsDraft(name=name, billing_only=True), CheckReport(name), editing=True
    ),
}


@pytest.mark.parametrize("name", ["open", "hidden-mixed"])
@pytest.mark.parametrize("function", sorted(PROJECTS_BY_NAME))
def test_finance_does_not_even_find_project_credentials(world: World, function: str, name: str) -> None:
    def ours(row: Any) -> bool:
        return isinstance(row, Project) or (isinstance(row, Credentials) and not row.billing_only)

    before = rows_of(world, ours)
    args, kwargs = PROJECTS_BY_NAME[function](name)
    finance = Actor(name="finance", role=Role.FINANCE)
    answer = FUNCTIONS[function](finance, world.workspace, *args, **kwargs)
    assert not answer or "There are no credentials" in told(answer)
    assert rows_of(world, ours) == before


def test_finance_adds_no_project_credentials(world: World) -> None:
    finance = Actor(name="finance", role=Role.FINANCE)
    draft = world.here.draft_of(billing_only=False)
    with pytest.raises(NotAllowedError, match="billing-only"):
        FUNCTIONS["onboarding.check_draft"](finance, world.workspace, draft)
    with pytest.raises(NotAllowedError, match="billing-only"):
        FUNCTIONS["onboarding.add_credentials"](finance, world.workspace, draft, CheckReport("new"))


def test_project_rows_in_a_billing_form_count_for_nothing(world: World, session_sandbox) -> None:
    finance = Actor(name="finance", role=Role.FINANCE)
    other = session_sandbox.account(2)
    buckets = [{"name": EMPTY_BUCKET, "region": WEST}]
    form = billing(session_sandbox.info, name="forged", buckets=buckets)
    draft = form.model_copy(update={"projects": [ProjectDraft.model_validate(project_row(other))]})
    report = check_draft(finance, world.workspace, draft)
    assert add_credentials(finance, world.workspace, draft, report).id
    assert other["account_id"] not in told(call(world, Role.ADMINISTRATOR, "accounts.list_accounts", world.here))
    assert delete_credentials(finance, world.workspace, "forged", "forged") is None


@pytest.mark.parametrize(
    "function",
    sorted(
        name
        for name, function in FUNCTIONS.items()
        if may(Role.FINANCE, name) and "choice" in inspect.signature(function).parameters
    ),
)
@pytest.mark.parametrize("forged", [False, True])
def test_finance_opens_no_bucket_of_a_project(world: World, function: str, forged: bool) -> None:
    """Neither by the project's key nor as if billing credentials named it."""
    choice = BucketChoice(world.here.billing, f"own-{WEST}", WEST) if forged else world.here.own_choice
    with pytest.raises(NotAllowedError, match="buckets of billing credentials"):
        call(world, Role.FINANCE, function, replace(world.here, choice=choice))


def test_finance_is_alerted_of_billing_alone(world: World) -> None:
    lines = call(world, Role.FINANCE, "attention.attention", world.here)
    assert {line.kind for line in lines} <= {Kind.CREDENTIALS, Kind.COST}
    assert [line.subject for line in lines if line.kind is Kind.CREDENTIALS] == ["hidden-bills"]


def test_what_a_use_case_calls_is_a_part_of_it(world: World) -> None:
    """An auditor may see what needs attention, though not the parts alone; and not after it either."""
    operator = Actor(name="operator", role=Role.OPERATOR)
    assert not may(Role.OPERATOR, "signing.by_stored_key")
    assert FUNCTIONS["account_data.refresh"](operator, world.workspace, world.here.account, WEST) is None
    with pytest.raises(NotAllowedError):
        call(world, Role.OPERATOR, "signing.by_stored_key", world.here)


def test_a_part_in_a_thread_of_its_own_is_still_a_part(world: World) -> None:
    assert not may(Role.OPERATOR, "billing.open_storage")
    found = call(world, Role.OPERATOR, "billing.project_buckets", world.here)
    assert [one.credentials for one in found.choices] and found.choices[0].credentials == "open"


def test_a_thread_that_a_use_case_did_not_start_is_asked(world: World) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(NotAllowedError):
        pool.submit(call, world, Role.AUDITOR, "policy.set_policy", world.here).result()


def test_after_an_error_rights_are_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(core.services.policy, "looking", broken)
    with pytest.raises(RuntimeError):
        call(world, Role.AUDITOR, "policy.show_policy", world.here)
    with pytest.raises(NotAllowedError):
        call(world, Role.AUDITOR, "policy.set_policy", world.here)


def test_a_refusal_that_cannot_be_recorded_is_still_none_allowed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.store.store import StoreError

    def full() -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(world.workspace.store, "writing", full)
    with pytest.raises(StoreError):
        call(world, Role.AUDITOR, "credentials.delete_credentials", world.here)
