"""The register of accounts: by hand, from a key, refreshed, changed at OUTSCALE, forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.domain.accounts import AccountDraft
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi import Oapi
from core.services.account_data import read_from_key, refresh, update_account
from core.services.accounts import add_account, edit_account, forget_account, list_accounts, methods, show_account
from core.services.credentials import delete_credentials, set_enabled
from core.services.onboarding import add_credentials, check_draft
from core.services.policy import policy_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.access_keys import KeyIntent, SeenKey
from tests.services.conftest import ACTOR, project_row, projects, special_row, stored

PARIS = "eu-west-2"
BY_HAND = AccountDraft(account_id="123456789012", region=PARIS, email="cloud@company.example", owner="Ada")


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(0)


@pytest.fixture
def place(workspace: Workspace, account) -> tuple[str, str]:
    """The account, known here by credentials that use it."""
    stored(workspace, projects(project_row(account)))
    return account["account_id"], account["region"]


def pasted(workspace: Workspace, account: dict, **changes: str):
    key = account["access_keys"][0]
    given = {"access_key": key["access_key_id"], "secret": key["secret_key"], "region": account["region"]} | changes
    return read_from_key(ACTOR, workspace, given["access_key"], SecretStr(given["secret"]), given["region"])


def fields(problems) -> list[str]:
    return [problem.field for problem in problems]


def test_one_is_added_by_hand_edited_and_forgotten(workspace: Workspace) -> None:
    assert add_account(ACTOR, workspace, BY_HAND) == []
    assert "known already" in add_account(ACTOR, workspace, BY_HAND)[0].what
    assert edit_account(ACTOR, workspace, BY_HAND.account_id, PARIS, notes=" pays late ", company="Company") == []
    (view,) = list_accounts(ACTOR, workspace)
    assert (view.company, view.notes, view.owner, view.source) == ("Company", "pays late", "Ada", "hand")
    assert (view.active_keys, view.next_expiry, view.read, view.credentials) == (None, None, None, [])
    assert fields(edit_account(ACTOR, workspace, BY_HAND.account_id, PARIS, email="nobody")) == ["email"]
    assert forget_account(ACTOR, workspace, BY_HAND.account_id, PARIS) is None
    assert list_accounts(ACTOR, workspace) == []
    assert "not known" in forget_account(ACTOR, workspace, BY_HAND.account_id, PARIS).what


def test_every_field_of_the_form_says_what_is_wrong(workspace: Workspace) -> None:
    wrong = AccountDraft(account_id="12345", region="atlantis-1", email="a@b")
    assert fields(add_account(ACTOR, workspace, wrong)) == ["account_id", "region", "email"]
    assert fields(add_account(ACTOR, workspace, AccountDraft())) == ["account_id", "region"]
    assert fields(add_account(ACTOR, workspace, BY_HAND.model_copy(update={"region": "cn-southeast-1"}))) == ["region"]


def test_one_is_read_from_a_pasted_key_that_is_not_kept(workspace: Workspace, account) -> None:
    read = pasted(workspace, account, access_key=f" {account['access_keys'][0]['access_key_id']}\n")
    assert read.account_id == account["account_id"], read.problems
    details = show_account(ACTOR, workspace, account["account_id"], account["region"])
    assert details.data["AccountId"] == account["account_id"]
    assert (details.email, details.company) == (account["email"], details.data["CompanyName"])
    assert (details.source, details.owner) == ("key", ACTOR.name)
    assert account["access_keys"][0]["secret_key"].encode() not in workspace.settings.database.read_bytes()
    problem = refresh(ACTOR, workspace, account["account_id"], account["region"])
    assert "No key" in problem.what
    assert "paste" in problem.mend


def test_a_pasted_key_that_is_wrong_is_asked_about_once(workspace: Workspace, account, sandbox) -> None:
    assert fields(pasted(workspace, account, secret="", region="atlantis-1").problems) == ["secret_key", "region"]
    refused = pasted(workspace, account, secret="A" * 40)
    assert fields(refused.problems) == ["form"]
    assert "(code 1)" in refused.problems[0].what
    sandbox.fault("cut")
    assert pasted(workspace, account).problems
    assert list_accounts(ACTOR, workspace) == []


def test_the_list_says_who_uses_an_account_and_which_keys_it_has(workspace: Workspace, account, place) -> None:
    soon, later = (datetime.now(UTC) + timedelta(days=days) for days in (20, 300))
    with workspace.store.writing() as session:
        for name, state, expires in (
            ("A", "ACTIVE", soon),
            ("B", "ACTIVE", later),
            ("C", "INACTIVE", soon),
            ("D", "ACTIVE", datetime.now(UTC) - timedelta(days=1)),
        ):
            created = datetime.now(UTC) - timedelta(days=ord(name))
            session.add(
                SeenKey(
                    access_key=name,
                    region=place[1],
                    account_id=place[0],
                    state=state,
                    expires=expires,
                    created=created,
                )
            )
    (view,) = list_accounts(ACTOR, workspace)
    assert (view.credentials, view.active_keys, view.next_expiry) == (["demo"], 2, soon)
    assert view.checked
    known = methods(ACTOR, workspace, *place)
    with looking(ACTOR, workspace, "test") as session:
        assert known.expires_soon_days == policy_of(session).expires_soon_days
    assert (known.active, known.expiring, known.password_confirmed) == (2, 1, None)
    assert (datetime.now(UTC) - known.oldest).days == ord("B")
    assert methods(ACTOR, workspace, "000000000000", place[1]) is None


def test_refresh_signs_with_a_stored_key(workspace: Workspace, account, place) -> None:
    assert show_account(ACTOR, workspace, *place).read is None
    assert refresh(ACTOR, workspace, *place) is None
    details = show_account(ACTOR, workspace, *place)
    assert details.email == account["email"]
    assert details.read
    assert details.events[0].action == "account.read"
    assert fields(edit_account(ACTOR, workspace, *place, company="Other")) == ["company"]
    assert edit_account(ACTOR, workspace, *place, company=details.company, owner="Ada") == []
    set_enabled(ACTOR, workspace, ["demo"], False)
    assert "No key" in refresh(ACTOR, workspace, *place).what


def test_a_key_of_another_account_is_told(workspace: Workspace, account, sandbox, place) -> None:
    other = sandbox.account(2)
    sandbox.fault("cut")
    # Stored while OUTSCALE was not reached, so that the Account ID could not be checked.
    draft = projects(project_row(other, account_id="123456789012"), name="wrong")
    report = check_draft(ACTOR, workspace, draft)
    assert add_credentials(ACTOR, workspace, draft, report, accept_unreachable=True).id
    sandbox.clear()
    problem = refresh(ACTOR, workspace, "123456789012", other["region"])
    assert other["account_id"] in problem.what
    assert "credentials wrong" in problem.what
    (refused,) = update_account(ACTOR, workspace, "123456789012", other["region"], {"City": "Nowhere"})
    assert other["account_id"] in refused.what


def test_a_key_that_may_not_gives_way_to_one_that_may(workspace: Workspace, sandbox) -> None:
    weak = special_row(sandbox.info, "reporting")
    owner = next(one for one in sandbox.info["accounts"] if one["account_id"] == weak["account_id"])
    place = (owner["account_id"], owner["region"])
    sandbox.fault("cut")
    draft = projects(weak, name="a-weak")
    assert add_credentials(ACTOR, workspace, draft, check_draft(ACTOR, workspace, draft), accept_unreachable=True).id
    sandbox.clear()
    refused = refresh(ACTOR, workspace, *place)
    assert weak["access_key"] in refused.mend
    stored(workspace, projects(project_row(owner), name="b-strong"))
    assert refresh(ACTOR, workspace, *place) is None


def test_outscale_is_told_what_changed(workspace: Workspace, account, place) -> None:
    refresh(ACTOR, workspace, *place)
    before = show_account(ACTOR, workspace, *place).data
    changes = {
        "City": " Grenoble ",
        "PhoneNumber": "+33 1 23 45 67 89",
        "AdditionalEmails": ["bills@company.example"],
        "Country": before["Country"],
    }
    try:
        assert update_account(ACTOR, workspace, *place, changes) == []
        details = show_account(ACTOR, workspace, *place)
        assert (details.data["City"], details.data["AdditionalEmails"]) == ("Grenoble", ["bills@company.example"])
        intended = next(event for event in details.events if event.action == "account.update")
        assert intended.details["fields"] == ["AdditionalEmails", "City", "PhoneNumber"]
        (same,) = update_account(ACTOR, workspace, *place, changes)
        assert "nothing was changed" in same.what
    finally:
        back = {"City": before["City"], "PhoneNumber": "", "AdditionalEmails": []}
        assert update_account(ACTOR, workspace, *place, back) == []
    assert show_account(ACTOR, workspace, *place).data.get("PhoneNumber") is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Email": "test@test"}, "Email"),
        ({"Email": ""}, "Email"),
        ({"AdditionalEmails": ["a@b"]}, "AdditionalEmails"),
        ({"AdditionalEmails": "a@b.fr"}, "AdditionalEmails"),
        ({"PhoneNumber": "call me"}, "PhoneNumber"),
        ({"MobileNumber": "0123456789"}, "MobileNumber"),
        ({"ZipCode": 38000}, "ZipCode"),
        ({"CustomerId": "12345678"}, "CustomerId"),
    ],
)
def test_what_cannot_be_is_not_sent(workspace: Workspace, place, changes: dict, field: str) -> None:
    assert fields(update_account(ACTOR, workspace, *place, changes)) == [field]
    assert "account.update" not in [event.action for event in show_account(ACTOR, workspace, *place).events]


def test_outscales_refusal_is_shown_beside_its_field(workspace: Workspace, sandbox, place) -> None:
    taken = next(
        one["email"] for one in sandbox.info["accounts"] if one["region"] == place[1] and one["account_id"] != place[0]
    )
    (problem,) = update_account(ACTOR, workspace, *place, {"Email": taken})
    assert (problem.field, "9073" in problem.what) == ("Email", True)
    (problem,) = update_account(ACTOR, workspace, *place, {"Email": "a@exämple.fr"})
    assert (problem.field, "4118" in problem.what) == ("Email", True)
    (problem,) = update_account(ACTOR, workspace, *place, {"AdditionalEmails": ["a@exämple.fr"]})
    assert problem.field == "AdditionalEmails"
    actions = [event.action for event in show_account(ACTOR, workspace, *place).events]
    assert actions.count("account.update_failed") == 3


def test_an_update_without_an_answer_says_so_and_refresh_shows_the_truth(
    workspace: Workspace, place, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(ACTOR, workspace, *place)
    city = show_account(ACTOR, workspace, *place).data["City"]
    ask, sent = Oapi.call, []

    def call(self, name, **params):
        answer = ask(self, name, **params)
        if name == "UpdateAccount":
            sent.append(params)
            raise OutscaleError(Trouble.CONNECTION, "The connection was cut.", "Try again.")
        return answer

    with monkeypatch.context() as lost:
        lost.setattr(Oapi, "call", call)
        (problem,) = update_account(ACTOR, workspace, *place, {"City": "Lyon"})
    assert "No answer came" in problem.what
    assert len(sent) == 1
    assert show_account(ACTOR, workspace, *place).data["City"] == city
    assert refresh(ACTOR, workspace, *place) is None
    assert show_account(ACTOR, workspace, *place).data["City"] == "Lyon"
    assert update_account(ACTOR, workspace, *place, {"City": city}) == []


def test_what_is_in_use_is_not_forgotten(workspace: Workspace, place) -> None:
    assert "demo" in forget_account(ACTOR, workspace, *place).what
    delete_credentials(ACTOR, workspace, "demo", "demo")
    with workspace.store.writing() as session:
        session.add(KeyIntent(id="open", actor="Ada", account_id=place[0], region=place[1]))
        session.add(SeenKey(access_key="A", account_id=place[0], region=place[1], state="ACTIVE"))
    assert "lying about" in forget_account(ACTOR, workspace, *place).what
    with workspace.store.writing() as session:
        session.delete(session.get_one(KeyIntent, "open"))
    assert forget_account(ACTOR, workspace, *place) is None
    with workspace.store.reading() as session:
        assert session.exec(select(SeenKey)).all() == []


def test_a_region_that_is_gone_is_told(workspace: Workspace, place) -> None:
    workspace.settings.sandbox_file.unlink()
    assert "not known now" in refresh(ACTOR, workspace, *place).what
    assert list_accounts(ACTOR, workspace)[0].region == place[1]
