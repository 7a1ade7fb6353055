"""The screen Accounts: the register, an account's data, its ways to sign in, its keypairs."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from core.services.account_data import update_account
from core.services.accounts import list_accounts, show_account
from core.services.keypairs import delete_keypair, list_keypairs, open_keypair_intents
from core.services.workspace import Workspace
from core.store.tables.access_keys import KeyIntent
from dashboard.navigation import ACCOUNTS
from tests.screens.conftest import fill, follow, pick, press, ran, words, write
from tests.services.conftest import ACTOR, project_row, projects, stored

NAME = "screen key"


@pytest.fixture
def place(workspace: Workspace, sandbox) -> Iterator[tuple[str, str]]:
    """An account with a stored key; the keypairs that a test made in it are deleted."""
    account = sandbox.account(0)
    stored(workspace, projects(project_row(account)))
    where = (account["account_id"], account["region"])
    before = pairs(workspace, where)
    yield where
    sandbox.clear()
    for name in pairs(workspace, where) - before:
        delete_keypair(ACTOR, workspace, *where, name, name)


def pairs(workspace: Workspace, place) -> set[str]:
    return {one.keypair_name for one in list_keypairs(ACTOR, workspace, *place).keypairs}


def opened(screen):
    return pick(screen(ACCOUNTS), "accounts.table", 0)


def pressed(app, key: str):
    """Press the button of this key: several may have the same label."""
    return ran(app.button(key=key).click().run())


def write_area(app, label: str, value: str) -> None:
    (area,) = [one for one in app.text_area if one.label == label]
    area.set_value(value)


def shown(app) -> dict[str, str]:
    """The fields of the tab Details."""
    (table,) = [one.value for one in app.dataframe if list(one.value.columns) == ["Field", "Value"]]
    return dict(zip(table["Field"], table["Value"], strict=True))


def test_one_is_added_by_hand_found_edited_and_forgotten(screen, workspace: Workspace) -> None:
    app = screen(ACCOUNTS)
    assert "No account is known yet" in words(app)
    press(app, "Add by hand")
    write(app, "Account ID *", "1234")
    write(app, "Owner", "Ada")
    press(app, "Add")
    assert "4 digits instead of 12" in words(app)
    assert {one.label: one.value for one in app.text_input}["Owner"] == "Ada"
    write(app, "Account ID *", "123456789012")
    press(app, "Add")
    assert "123456789012" in [one.value for one in app.header]
    assert "123456789012" in [one.value for one in app.code], "to be copied"
    press(app, "Edit")
    write(app, "Company", "Company")
    press(app, "Save")
    assert [row.company for row in list_accounts(ACTOR, workspace)] == ["Company"]
    fill(app, "Search", "nobody")
    assert "No account matches" in words(app)
    fill(app, "Search", "comp")
    assert list(app.dataframe[0].value["Owner"]) == ["Ada"]
    press(app, "Refresh")
    assert "No key whose secret is stored here" in words(app)
    press(app, "Forget")
    pressed(app, "accounts.forget")
    assert list_accounts(ACTOR, workspace) == []


def test_one_is_read_from_a_key_that_is_forgotten(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(1)
    key = account["access_keys"][0]
    app = press(screen(ACCOUNTS), "Read from a key")
    write(app, "Access key *", key["access_key_id"])
    write(app, "Secret key *", "A" * 40)
    next(one for one in app.selectbox if one.label == "Region *").set_value(account["region"])
    press(app, "Read")
    assert "refused the signature" in words(app)
    fields = {one.label: one.value for one in app.text_input}
    assert (fields["Access key *"], fields["Secret key *"]) == (key["access_key_id"], "")
    assert "A" * 40 not in repr(app.session_state)
    write(app, "Secret key *", key["secret_key"])
    press(app, "Read")
    assert key["secret_key"] not in repr(app.session_state)
    assert shown(app)["Email"] == account["email"]


def test_its_data_is_refreshed_and_changed_at_outscale(screen, workspace: Workspace, place) -> None:
    app = opened(screen)
    assert "Read from OUTSCALE: never" in words(app)
    press(app, "Refresh")
    before = shown(app)
    assert before["Account ID"] == place[0]
    press(app, "Change at OUTSCALE")
    write(app, "Phone number", "call me")
    write(app, "City", "Lyon")
    press(app, "Send to OUTSCALE")
    assert "not a phone number" in words(app)
    write(app, "Phone number", "")
    press(app, "Send to OUTSCALE")
    try:
        assert shown(app)["City"] == "Lyon"
    finally:
        assert update_account(ACTOR, workspace, *place, {"City": before["City"]}) == []
    assert show_account(ACTOR, workspace, *place).events[0].action == "account.updated"


def test_its_ways_to_sign_in_say_what_they_are_for(screen, workspace: Workspace, place) -> None:
    app = opened(screen)
    said = words(app)
    for one in ("graphical user interfaces", "sign requests", "connect to instances", "At least 17 characters"):
        assert one in said
    assert "Never confirmed here." in said
    count = len(pairs(workspace, place))
    press(app, "Read keypairs")
    assert f"{count} at OUTSCALE" in words(app)


def test_a_private_key_is_shown_once(screen, workspace: Workspace, place) -> None:
    app = press(opened(screen), "Create keypair")
    press(app, "Create")
    assert "The name is missing" in words(app)
    write(app, "Name", NAME)
    press(app, "Create")
    (private,) = [one.value for one in app.code if one.value.startswith("-----BEGIN")]
    assert load_pem_private_key(private.encode(), None)
    assert "shown this once" in words(app)
    press(app, "I have saved it")
    assert private.splitlines()[1] not in repr(app.session_state)
    assert [one.value for one in app.code] == [place[0]], "of what can be copied, the Account ID alone is left"
    assert open_keypair_intents(ACTOR, workspace) == []
    (table,) = [one.value for one in app.dataframe if "Fingerprint (MD5)" in one.value.columns]
    assert NAME in list(table["Name"])
    pick(app, "keypairs.table", list(table["Name"]).index(NAME))
    press(app, "Delete keypair")
    fill(app, "Type the name to delete it", "other")
    pressed(app, "keypairs.delete")
    assert NAME in pairs(workspace, place)
    fill(app, "Type the name to delete it", NAME)
    pressed(app, "keypairs.delete")
    assert NAME not in pairs(workspace, place)


def test_a_dialog_that_was_closed_leaves_a_note(screen, workspace: Workspace, place) -> None:
    app = press(opened(screen), "Create keypair")
    write(app, "Name", NAME)
    press(app, "Create")
    for name in ("keypairs.new", "keypairs.doing"):  # what closing the dialog does
        if name in app.session_state:
            del app.session_state[name]
    ran(app.run())
    assert "nobody has said that it is saved" in words(app)
    press(app, "Delete it")
    fill(app, "Type the name to delete it", NAME)
    pressed(app, "keypairs.delete")
    assert open_keypair_intents(ACTOR, workspace) == []


def test_a_private_key_in_the_wrong_field_is_forgotten(screen, workspace: Workspace, place) -> None:
    pair = ed25519.Ed25519PrivateKey.generate()
    private = pair.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    app = press(opened(screen), "Import public key")
    write(app, "Name", NAME)
    write_area(app, "Public key", private)
    press(app, "Import")
    assert "This is a private key" in words(app)
    assert [one.value for one in app.text_area if one.label == "Public key"] == [""]
    assert {one.label: one.value for one in app.text_input}["Name"] == NAME
    assert private.splitlines()[1] not in repr(app.session_state)
    write_area(app, "Public key", pair.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    press(app, "Import")
    assert NAME in pairs(workspace, place)


def test_a_keypair_that_got_lost_is_looked_for(screen, workspace: Workspace, place) -> None:
    from datetime import UTC, datetime

    with workspace.store.writing() as session:
        for name in ("gone", *pairs(workspace, place)):
            session.add(
                KeyIntent(
                    id=name,
                    kind="keypair",
                    actor="Ada",
                    name=name,
                    begun=datetime(2026, 1, 1, tzinfo=UTC),
                    account_id=place[0],
                    region=place[1],
                )
            )
    app = screen(ACCOUNTS)
    assert "A keypair gone may exist at OUTSCALE whose private key nobody has." in words(app)
    pressed(app, "keypairs.look.do.gone")
    assert "nothing was left" in words(app)
    there = next(iter(pairs(workspace, place)))
    pressed(app, f"keypairs.look.do.{there}")
    assert "It exists" in words(app)
    pressed(app, f"keypairs.taken.{there}")
    assert "gone" not in [one.name for one in open_keypair_intents(ACTOR, workspace)]
    assert there not in [one.name for one in open_keypair_intents(ACTOR, workspace)]


def test_it_leads_to_its_access_keys(screen, place) -> None:
    app = follow(opened(screen), "See access keys")
    assert app.title[0].value == "Access keys"
    assert place[0] in words(app)
