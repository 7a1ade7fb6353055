"""Who sees which screens and buttons, whatever address is typed."""

import re
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.domain.actor import Actor
from core.domain.roles import Role
from core.sandbox.places import EMPTY_BUCKET, WEST
from core.services.rights import RIGHTS
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, Rotation, SeenKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.audit import Event
from core.store.tables.credentials import Bucket, Credentials, Project
from core.vault.vault import Place
from dashboard import navigation
from dashboard.navigation import (
    ACCESS_KEYS,
    ACCOUNTS,
    ADD_CREDENTIALS,
    ADMINISTRATION,
    BILLING_BUCKETS,
    COSTS,
    CREDENTIALS,
    HELP,
    HOME,
    REQUEST_ACCOUNT,
    SCREENS,
    WALKTHROUGH,
    Screen,
    path,
)
from tests.screens.conftest import APP, ran, section, words

ONBOARDING = {WALKTHROUGH, REQUEST_ACCOUNT, ACCOUNTS, ACCESS_KEYS, ADD_CREDENTIALS, CREDENTIALS}
FINANCE = {BILLING_BUCKETS, COSTS}
SEEN: dict[Role, set[Screen]] = {
    Role.ADMINISTRATOR: set(SCREENS),
    Role.OPERATOR: {HOME, HELP} | ONBOARDING | FINANCE,
    Role.FINANCE: {HOME, HELP, ADD_CREDENTIALS, CREDENTIALS} | FINANCE,
    Role.PRESENTER: {HOME, HELP} | ONBOARDING | FINANCE,
    Role.AUDITOR: set(SCREENS) - {ADD_CREDENTIALS, WALKTHROUGH},
}
HARMLESS = {"Export CSV", "CSV", "Excel", "JSON Lines", "Verify"}
"""Buttons that change nothing and ask nobody."""
As = Callable[[Role], Actor]


@pytest.fixture
def full(workspace: Workspace) -> Workspace:
    """With something of everything in it."""
    place = {"region": WEST, "account_id": "111122223333"}
    projects = Credentials(name="open")
    bills = Credentials(name="bills", billing_only=True, billing_access_key="BILLING")
    project = Project(credentials_id=projects.id, position=0, access_key="PROJECT", secret_key_sealed="", **place)
    waiting = KeyIntent(actor="anna", access_key="WAITING", **place)
    for row in (project, waiting):
        where = Place(str(row.__tablename__), row.id, "secret_key")
        row.secret_key_sealed = workspace.vault.seal(SecretStr("x"), where)
    with workspace.store.writing() as session:
        session.add_all([projects, bills])
    with workspace.store.writing() as session:
        session.add_all(
            [
                project,
                Bucket(credentials_id=bills.id, position=0, name=EMPTY_BUCKET, region=WEST),
                Account(source="credentials", **place),
                AccountRequest(kind="new", region=WEST, state="sent", subject="For buoys", sent=now()),
                AccountRequest(kind="new", region="eu-west-2", state="sent", subject="In Paris", sent=now()),
                Account(account_id="123456789012", region="eu-west-2", source="hand", company="Company in Paris"),
                waiting,
                KeyIntent(actor="anna", kind="keypair", name="laptop", outcome="created", **place),
                SeenKey(access_key="LISTED", state="ACTIVE", **place),
                Rotation(old_key="OLDKEY", actor="anna", step="check", **place),
            ]
        )
    return workspace


def sections(app: AppTest) -> Iterator[AppTest]:
    """The screen, and for Administration each of its sections."""
    if not app.title or app.title[0].value != ADMINISTRATION.title:
        yield app
        return
    for name in app.segmented_control(key="administration.view").options:
        yield section(app, name)


def opened(at: Screen) -> AppTest:
    """The dashboard with this screen's address."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.switch_page(str(path(at)))
    return ran(app.run())


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_has_the_screens_of_the_role(as_role: As, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    as_role(role)
    offered: list[list[str]] = []  # what is hidden there says that it is not for the role
    real = navigation.st.navigation

    def watched(pages, **options):
        offered.append([page.title for page in pages if page.visibility == "visible"])
        return real(pages, **options)

    monkeypatch.setattr(navigation.st, "navigation", watched)
    ran(AppTest.from_file(str(APP), default_timeout=60).run())
    assert set(offered[-1]) == {screen.title for screen in SEEN[role]}


@pytest.mark.parametrize("screen", SCREENS, ids=lambda one: one.file)
@pytest.mark.parametrize("role", list(Role))
def test_the_address_of_a_screen_shows_it_to_its_roles_alone(
    as_role: As, full: Workspace, role: Role, screen: Screen
) -> None:
    as_role(role)
    app = opened(screen)
    title = app.title[0].value if app.title else ""
    home = "OUTSCALE onboarding"
    assert title == (home if screen is HOME or screen not in SEEN[role] else screen.title)
    assert not any(one.error for one in sections(app))
    with full.store.reading() as session:
        refused = session.exec(select(Event).where(Event.action.startswith("refused."))).all()  # type: ignore[attr-defined]
    assert [one.action for one in refused] == [], "a screen offers only what its role may do"


@pytest.mark.parametrize("screen", sorted(SEEN[Role.AUDITOR], key=lambda one: one.file), ids=lambda one: one.file)
def test_auditors_get_no_button_that_does_something(as_role: As, full: Workspace, screen: Screen) -> None:
    as_role(Role.AUDITOR)
    led = {one.title for one in SCREENS}
    for app in sections(opened(screen)):
        assert {one.label for one in app.button} - HARMLESS - led == set()
        assert not app.get("form_submit_button")


def test_auditors_see_keys_as_they_were_listed_last(as_role: As, full: Workspace) -> None:
    as_role(Role.AUDITOR)
    app = opened(ACCESS_KEYS)
    assert list(app.dataframe[-1].value["Access key"]) == ["LISTED"]
    assert "WAITING" in words(app) and "OLDKEY" in words(app)


def test_the_same_buttons_are_there_for_who_may(as_role: As, full: Workspace) -> None:
    as_role(Role.OPERATOR)
    labels = {one.label for screen in (CREDENTIALS, ACCESS_KEYS, ACCOUNTS) for one in opened(screen).button}
    assert {"Check again", "Delete", "Go on", "Show it", "It is saved", "Add by hand"} <= labels


def test_home_leads_nobody_to_what_they_may_not_do(as_role: As, workspace: Workspace) -> None:
    led = {}
    for role in Role:
        as_role(role)
        led[role] = [one.label for one in opened(HOME).button if one.label in {screen.title for screen in SCREENS}]
    three = ["Request account", "Access keys", "Add credentials"]
    assert led == {
        Role.ADMINISTRATOR: three,
        Role.OPERATOR: three,
        Role.FINANCE: ["Add credentials", "Billing buckets", "Costs"],
        Role.PRESENTER: three,
        Role.AUDITOR: ["Costs", "Activity"],
    }


def test_finance_sees_billing_alone(as_role: As, full: Workspace) -> None:
    as_role(Role.FINANCE)
    listed = opened(CREDENTIALS).dataframe[0].value
    assert list(listed["Name"]) == ["bills"]
    home = opened(HOME)
    assert {one.label: one.value for one in home.metric}["Credentials"] == "1"
    assert "Accounts" not in {one.label for one in home.metric}
    said = words(home)
    assert "WAITING" not in said and "OLDKEY" not in said and "laptop" not in said
    form = opened(ADD_CREDENTIALS)
    (kind,) = [one for one in form.checkbox if one.label == "Billing only"]
    assert kind.value and kind.disabled
    assert "Billing access key *" in [one.label for one in form.text_input]


def test_presenters_see_the_sandbox_alone(as_role: As, full: Workspace) -> None:
    as_role(Role.PRESENTER)
    assert "Company in Paris" not in list(opened(ACCOUNTS).dataframe[0].value["Company"])
    assert list(opened(REQUEST_ACCOUNT).dataframe[0].value["Request"]) == ["For buoys"]
    form = opened(ADD_CREDENTIALS)
    (region,) = [one for one in form.selectbox if one.label == "Region"]
    assert all("sandbox" in one.lower() for one in region.options)


@pytest.mark.parametrize("screen", sorted(SEEN[Role.PRESENTER], key=lambda one: one.file), ids=lambda one: one.file)
def test_presenters_without_a_sandbox_get_no_error(as_role: As, workspace: Workspace, screen: Screen) -> None:
    workspace.settings.sandbox_file.unlink()
    as_role(Role.PRESENTER)
    assert not opened(screen).error


def test_who_loses_a_right_on_the_way_gets_a_line_and_nothing_is_done(as_role: As, full: Workspace) -> None:
    as_role(Role.ADMINISTRATOR)
    app = opened(ADMINISTRATION)
    (save,) = [one for one in app.button if one.label == "Save"]
    person = as_role(Role.AUDITOR)
    ran(save.click().run())
    assert not [one for one in app.button if one.label == "Save"]
    assert person.role is Role.AUDITOR


def test_a_refusal_is_a_line(as_role: As, full: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    as_role(Role.FINANCE)
    monkeypatch.setattr("dashboard.session.may", lambda _: True)
    monkeypatch.setattr("dashboard.navigation.may", lambda _: True)
    app = opened(ACCOUNTS)
    (error,) = app.error
    assert "is not for the role finance" in error.value
    assert "Company in Paris" not in words(app) and not app.dataframe


def test_who_may_do_what_is_shown(as_role: As, full: Workspace) -> None:
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        as_role(role)
        app = section(opened(ADMINISTRATION), "Rights")
        assert "Who may do what" in words(app)
        table = app.table[0].value
        named = [what.split("**")[1] for what in table["What"] if what.startswith("**")]
        assert named == list(dict.fromkeys(right.area for right in RIGHTS))
        assert [what.split("\n")[-1] for what in table["What"]] == [right.what for right in RIGHTS]
        row = table[table["What"] == "Delete credentials"].iloc[0]
        assert re.findall(r":material/\w+: ([^]]+)]", row["Who may"]) == [
            "administrator",
            "operator",
            "finance, billing only",
            "presenter, sandbox only",
        ]
