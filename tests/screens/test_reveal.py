"""Revealing a sealed secret on the screen Credentials; and that no screen keeps a secret in the session's state."""

import time
from datetime import timedelta

import pytest
import streamlit as st
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from core.domain.roles import Role
from core.services import key_intents
from core.services.kept_keys import keep
from core.services.local_password import set_password
from core.services.reveal import FRESH
from core.services.use_case import changing
from core.services.workspace import Workspace
from core.store.columns import now
from dashboard.navigation import ACCOUNTS, ADD_CREDENTIALS, CREDENTIALS, HOME, path
from dashboard.provider import AFRESH
from dashboard.widgets import reveal
from tests.screens.conftest import choose, fill, press, ran, words, write
from tests.screens.test_access_keys import account, opened  # noqa: F401 - a fixture
from tests.services.conftest import ACTOR, billing, project_row, projects, stored
from tests.session_walk import holds, texts

PASSWORD = "a long local password"  # pragma: allowlist secret - made up
REASON = "The terraform pipeline lost its copy."


@pytest.fixture
def secret(workspace: Workspace, sandbox) -> str:
    """Of stored credentials; a password is set."""
    stored(workspace, projects(project_row(sandbox.account(0)), name="demo"))
    assert set_password(ACTOR, workspace, SecretStr(PASSWORD)) is None
    return sandbox.account(0)["access_keys"][0]["secret_key"]


def go(app: AppTest, screen) -> AppTest:
    app.switch_page(str(path(screen)))
    return ran(app.run())


def begun(app: AppTest) -> AppTest:
    return press(app, "Reveal a secret")


def asked(app: AppTest, password: str = PASSWORD, reason: str = REASON) -> AppTest:
    """Fill the dialog and send it."""
    write(app, "Your password *", password)
    (field,) = app.text_area
    field.set_value(reason)
    return press(app, "Reveal")


def shown(app: AppTest) -> list[str]:
    return [one.value for one in app.code]


def session(app: AppTest):
    """All that the session's state holds, what is not shown of it too."""
    return app.session_state.__dict__


def test_a_secret_is_shown_and_then_gone(screen, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reveal, "SHOWN_FOR", timedelta(seconds=6))
    app = asked(begun(screen(CREDENTIALS)))
    assert shown(app) == [secret]
    assert holds(session(app), secret)  # the walk finds what is there
    assert not holds(session(app), PASSWORD)
    time.sleep(6)
    assert not holds(session(app), secret)  # nobody looked, no screen was run
    ran(app.run())
    assert shown(app) == []
    assert "reveal.shown" not in app.session_state
    assert "reveal.open" not in app.session_state
    assert secret not in words(app)


def test_hide_now_hides_it(screen, secret: str) -> None:
    app = asked(begun(screen(CREDENTIALS)))
    assert shown(app) == [secret]
    press(app, "Hide now")
    assert shown(app) == []
    assert not holds(session(app), secret)


def test_leaving_the_page_forgets_it(screen, secret: str) -> None:
    app = asked(begun(screen(CREDENTIALS)))
    assert holds(session(app), secret)
    go(app, HOME)
    assert not holds(session(app), secret)
    go(app, CREDENTIALS)
    assert shown(app) == []


def test_a_wrong_password_is_told_and_forgotten(screen, secret: str) -> None:
    app = asked(begun(screen(CREDENTIALS)), password="a wrong password, typed")
    assert "This is not the password" in words(app)
    assert shown(app) == []
    assert not holds(session(app), "a wrong password, typed")
    assert [one.value for one in app.text_area] == [REASON]
    asked(app)
    assert "wrong passwords in a row" in words(app)
    assert shown(app) == []


def test_a_reason_is_asked_for(screen, secret: str) -> None:
    app = asked(begun(screen(CREDENTIALS)), reason="short")
    assert "The reason has 5 characters" in words(app)
    assert shown(app) == []


def test_without_a_password_it_says_how_to_set_one(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = begun(screen(CREDENTIALS))
    assert "onboarding password set" in words(app).replace("\\", "")
    assert [one.label for one in app.button].count("Reveal") == 0


def test_each_of_the_secrets_is_there_to_choose(screen, workspace: Workspace, secret: str, sandbox) -> None:
    stored(workspace, billing(sandbox.info, name="bills"))
    app = begun(screen(CREDENTIALS))
    choose(app, "Of", "bills")
    (which,) = [one for one in app.selectbox if one.label == "Secret"]
    key = sandbox.info["billing"][0]
    assert which.options == [f"Billing secret key of {key['access_key_id']}"]
    asked(app)
    assert shown(app) == [key["secret_key"]]
    press(app, "Hide now")
    begun(app)
    choose(app, "Of", "Keys kept here")
    assert "Nothing is sealed there" in words(app)


def test_kept_keys_can_be_revealed_without_any_credentials(screen, workspace: Workspace) -> None:
    app = screen(CREDENTIALS)
    assert "Reveal a secret" not in [one.label for one in app.button]
    with changing(ACTOR, workspace, "test.keep") as change:
        keep(change.session, workspace, "KEPT", SecretStr("the kept secret"), "eu-west-2", "1")
        change.record("KEPT")
    assert set_password(ACTOR, workspace, SecretStr(PASSWORD)) is None
    app = asked(begun(ran(app.run())))
    assert shown(app) == ["the kept secret"]


def test_only_an_administrator_is_offered_it(screen, as_role, secret: str) -> None:
    for role in Role:
        as_role(role)
        offered = "Reveal a secret" in [one.label for one in screen(CREDENTIALS).button]
        assert offered == (role is Role.ADMINISTRATOR), role


def test_an_old_sign_in_is_renewed_first(screen, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in, asked_for = now() - FRESH - timedelta(seconds=1), []
    monkeypatch.setattr(reveal, "people_sign_in", lambda: True)
    monkeypatch.setattr(reveal, "signed_in_at", lambda: signed_in)
    monkeypatch.setattr(st, "login", asked_for.append)
    app = begun(screen(CREDENTIALS))
    assert "must have signed in within the last 5 minutes" in words(app)
    assert not app.text_area  # nothing can be typed
    assert "Your password *" not in [one.label for one in app.text_input]
    assert "Reveal" not in [one.label for one in app.button]
    press(app, "Sign in again")
    assert asked_for == [AFRESH]

    signed_in = now()
    ran(app.run())
    assert "Your password *" not in [one.label for one in app.text_input]  # the sign-in is the proof
    (field,) = app.text_area
    field.set_value(REASON)
    press(app, "Reveal")
    assert shown(app) == [secret]


def test_typed_secrets_are_forgotten_when_the_form_is_left(screen) -> None:
    app = screen(ADD_CREDENTIALS)
    fill(app, "Access key", "AK" * 10)
    fill(app, "Secret key", "typed secret key")
    fill(app, "Proxy", "http://me:typed-proxy@proxy:3128")  # pragma: allowlist secret - made up
    assert holds(session(app), "typed secret key")
    assert holds(session(app), "typed-proxy")
    go(app, HOME)
    assert not holds(session(app), "typed secret key")
    assert not holds(session(app), "typed-proxy")
    go(app, ADD_CREDENTIALS)
    assert "AK" * 10 in [one.value for one in app.text_input]  # the rest of the form stays
    assert not holds(session(app), "typed")


def test_checked_credentials_leave_no_secret_behind(screen, workspace: Workspace, sandbox) -> None:
    row = project_row(sandbox.account(0))
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    fill(app, "Access key", row["access_key"])
    fill(app, "Secret key", row["secret_key"])
    choose(app, "Region", row["region"])
    press(app, "Check")
    deadline = time.monotonic() + 30
    while "add_credentials.check" in app.session_state and time.monotonic() < deadline:
        time.sleep(0.1)
        ran(app.run())
    go(app, HOME)
    assert not holds(session(app), row["secret_key"])


def test_a_new_key_is_forgotten_when_the_page_is_left(screen, workspace: Workspace, account) -> None:  # noqa: F811
    app = opened(screen, account)
    assert not holds(session(app), account["password"])
    press(app, "Create")
    press(app, "Generate")
    access_key, secret_key = (one.value for one in app.code)
    assert holds(session(app), secret_key)
    go(app, HOME)
    assert not holds(session(app), secret_key)
    (waiting,) = [one for one in key_intents.open_intents(ACTOR, workspace) if one.access_key == access_key]
    assert waiting.waiting


def test_a_key_that_is_carried_into_the_form_is_forgotten_there(
    screen,
    workspace: Workspace,
    account,  # noqa: F811
) -> None:
    app = opened(screen, account)
    press(app, "Create")
    press(app, "Generate")
    _, secret_key = (one.value for one in app.code)
    press(app, "Use in Add credentials")
    go(app, ADD_CREDENTIALS)
    assert secret_key in [one.value for one in app.text_input]
    go(app, HOME)
    assert not holds(session(app), secret_key)


def test_a_private_key_is_forgotten_when_the_page_is_left(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = screen(ACCOUNTS)
    place = (sandbox.account(0)["account_id"], sandbox.account(0)["region"])
    app.session_state["keypairs.doing"] = ("create", *place, "")
    ran(app.run())
    write(app, "Name", f"left-{time.monotonic_ns()}")
    press(app, "Create")
    (private,) = [one.value for one in app.code if "PRIVATE KEY" in one.value]
    assert holds(session(app), private)
    go(app, HOME)
    assert not holds(session(app), private)
    assert not [one for one in texts(session(app)) if "PRIVATE KEY" in one]


def test_a_key_that_an_account_is_read_with_is_forgotten(screen, sandbox) -> None:
    app = screen(ACCOUNTS)
    press(app, "Read from a key")
    write(app, "Access key *", "not a key")
    write(app, "Secret key *", "typed secret key")
    write(app, "Proxy", "http://me:typed-proxy@proxy:3128")  # pragma: allowlist secret - made up
    press(app, "Read")
    go(app, HOME)
    assert not holds(session(app), "typed")
