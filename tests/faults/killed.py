"""Does a piece of work again and again, each time killed with SIGKILL at its next boundary, and says what was broken.

    python -m tests.faults.killed create|rotate|keypair HOME

A boundary is the moment before and after each commit and each remote call that changes something. The work runs in a
fork of this process, so that nothing but the home folder and the sandbox outlives the kill. Prints one JSON object a
boundary: its name, and what is wrong after the kill and after somebody else went on."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlmodel import select

from core.domain.actor import Actor
from core.domain.credentials import CredentialsDraft
from core.domain.roles import Role
from core.outscale.errors import OutscaleError
from core.outscale.oapi import Oapi
from core.outscale.regions import load_regions
from core.sandbox.info import read_info
from core.services import access_keys, key_intents, keypairs, rotation, sealed
from core.services.credentials import list_credentials
from core.services.doors import Door, open_with_password
from core.services.onboarding import add_credentials, check_draft
from core.services.signing import api_with
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.tables.access_keys import KeptKey, KeyIntent, Rotation
from core.store.tables.credentials import Project
from tests.faults.killing import Here, killed_at

ANNA, BEN = (
    Actor(name="anna", via="test", role=Role.ADMINISTRATOR),
    Actor(name="ben", via="test", role=Role.ADMINISTRATOR),
)
NAMES = ("first", "second")


def main(kind: str, home: Path) -> None:
    """Kill the work at each boundary in turn, until it comes to its end."""
    info = read_info(Settings(home=home))
    assert info, "no sandbox"
    account = info["accounts"][0]
    settings = Settings(home=home, connect_timeout=0.5, read_timeout=1.5)
    with password_api(settings, account) as api:
        original = {key.access_key_id for key in api.read_access_keys()}
    original |= pairs_there(settings, account)
    if kind != "create":
        prepare(settings, account)
    work = {"create": create, "rotate": rotate, "keypair": create_pair}[kind]
    mend = {"create": mend_create, "rotate": mend_rotate, "keypair": mend_pair}[kind]
    point, killed = 0, True
    while killed:
        point += 1
        killed, names = killed_at(point, lambda: work(settings, account), mark_calls)
        name = names[-1] if killed else "the end"
        after = what_is_wrong(settings, account, original)
        mended = mend(settings, account) + what_is_wrong(settings, account, original, nothing_open=True)
        print(json.dumps({"point": point, "name": name, "after": after, "mended": mended}), flush=True)
    clean(settings, account, original)


def mark_calls(here: Here) -> None:
    """Boundaries before and after each call that changes something at OUTSCALE."""
    ask = Oapi.call

    def call(self: Oapi, name: str, **params: Any) -> dict[str, Any]:
        changes = not name.startswith("Read") and params.get("DryRun") is not True
        if changes:
            here(f"before {name}")
        answer = ask(self, name, **params)
        if changes:
            here(f"after {name}")
        return answer

    Oapi.call = call  # type: ignore[method-assign]


def create(settings: Settings, account: dict) -> None:
    """Create a key behind the account's password."""
    workspace = open_workspace(settings)
    created = access_keys.create_key(ANNA, workspace, door_of(workspace, account))
    assert created.key, created.problem
    key_intents.take(ANNA, workspace, created.intent, sealed=True)


def rotate(settings: Settings, account: dict) -> None:
    """Rotate the key that both credentials use, to its deletion."""
    workspace = open_workspace(settings)
    key = present_key(workspace)
    begun = rotation.begin_rotation(ANNA, workspace, key, account["region"])
    assert begun.rotation, begun.problem
    done = rotation.advance(ANNA, workspace, begun.rotation.id, delete_now=True)
    assert done.rotation and done.rotation.outcome == "done", done.problem


def create_pair(settings: Settings, account: dict) -> None:
    """Create a keypair, each time under a name of its own, and say that its private key is saved."""
    workspace = open_workspace(settings)
    place = account["account_id"], account["region"]
    made = keypairs.create_keypair(ANNA, workspace, *place, f"pair {os.getpid()}")
    assert made.private_key and not made.problem, made.problem
    keypairs.take(ANNA, workspace, made.intent)


def mend_create(settings: Settings, account: dict) -> list[str]:
    """What another person does after the restart: look for the lost key, revoke it; take the secret that waits."""
    workspace = open_workspace(settings)
    wrong = []
    for intent in key_intents.open_intents(BEN, workspace):
        if intent.waiting:
            key_intents.take(BEN, workspace, intent.id, sealed=True)
            continue
        time.sleep(max(0.0, 2.1 - (time.time() - intent.begun.timestamp())))
        door = door_of(workspace, account)
        looked = key_intents.search(BEN, workspace, intent.id, door)
        for key in looked.found:
            left = key_intents.revoke(BEN, workspace, intent.id, door, key.access_key_id)
            wrong += [str(left.problem)] if left.problem else []
        wrong += [str(looked.problem)] if looked.problem else []
    with workspace.store.reading() as session, password_api(settings, account) as api:
        for kept in session.exec(select(KeptKey)).all():  # room for the next round
            if any(key.access_key_id == kept.access_key for key in api.read_access_keys()):
                api.delete_access_key(kept.access_key)
    workspace.close()
    return wrong


def mend_rotate(settings: Settings, account: dict) -> list[str]:
    """What another person does after the restart: take the rotation over and go on to its end."""
    workspace = open_workspace(settings)
    wrong = []
    for view in rotation.list_rotations(BEN, workspace):
        for _ in range(3):
            done = rotation.advance(BEN, workspace, view.id, take_over=True, delete_now=True)
            if done.rotation and done.rotation.ended:
                break
            time.sleep(2.1)  # a young intention may still be under way
        else:
            wrong.append(f"the rotation does not end: {done.problem}")
    workspace.close()
    return wrong


def mend_pair(settings: Settings, account: dict) -> list[str]:
    """What another person does after the restart: look for the lost keypair, delete it."""
    workspace = open_workspace(settings)
    place, wrong = (account["account_id"], account["region"]), []
    for intent in keypairs.open_keypair_intents(BEN, workspace, *place):
        if not intent.created:
            time.sleep(max(0.0, 2.1 - (time.time() - intent.begun.timestamp())))
        looked = keypairs.resolve_keypair_intent(BEN, workspace, intent.id)
        problem = looked.problem
        if looked.found:
            problem = keypairs.delete_keypair(BEN, workspace, *place, intent.name, looked.found.keypair_name or "")
        wrong += [str(problem)] if problem else []
    workspace.close()
    return wrong


def what_is_wrong(settings: Settings, account: dict, original: set[str], *, nothing_open: bool = False) -> list[str]:
    """Keys and keypairs at OUTSCALE that the store knows neither as held nor as open, and credentials whose key does
    not work."""
    workspace = open_workspace(settings)
    wrong = []
    with password_api(settings, account) as api, workspace.store.reading() as session:
        intents = session.exec(select(KeyIntent)).all()
        rotations = session.exec(select(Rotation).where(Rotation.ended == None)).all()  # noqa: E711
        held = set(session.exec(select(KeptKey.access_key)).all()) | set(session.exec(select(Project.access_key)).all())
        held |= {intent.access_key for intent in intents if intent.secret_key_sealed}
        held |= {row.new_key for row in rotations if row.new_secret_sealed} | {
            row.old_key for row in rotations if row.old_secret_sealed
        }
        unanswered = [intent for intent in intents if intent.ended is None]
        pairs = {intent.name for intent in intents if intent.kind == keypairs.KIND and intent.outcome == "taken"}
        begun = {one.name for one in keypairs.open_keypair_intents(BEN, workspace)}
        for name in pairs_there(settings, account) - pairs - original:
            if name not in begun:
                wrong.append(f"the keypair {name} is neither held nor open")
            if nothing_open:
                wrong.append(f"the keypair {name} was left")
        for key in api.read_access_keys():
            known = key.access_key_id in held | original
            if not known and not any(key.access_key_id not in intent.before for intent in unanswered):
                wrong.append(f"{key.access_key_id} is neither held nor open")
            if not known and nothing_open:
                wrong.append(f"{key.access_key_id} was left")
        if nothing_open and (unanswered or rotations):
            wrong.append("something is still open")
        for row in session.exec(select(Project)).all():
            secret = sealed.project_secret(workspace.vault, row)
            with api_with(workspace, row.region, row.access_key, secret) as signed:
                try:
                    signed.read_accounts()
                except OutscaleError as error:
                    wrong.append(f"{row.access_key} of credentials does not work: {error}")
    workspace.close()
    return wrong


def prepare(settings: Settings, account: dict) -> None:
    """Two credentials with one key."""
    workspace = open_workspace(settings)
    with password_api(settings, account) as api:
        key = api.create_access_key(tag="rotated")
    for name in NAMES:
        row = {"access_key": key.access_key_id, "secret_key": key.secret_key.get_secret_value()}
        row |= {"account_id": account["account_id"], "region": account["region"]}
        draft = CredentialsDraft.model_validate({"name": name, "projects": [row]})
        added = add_credentials(ANNA, workspace, draft, check_draft(ANNA, workspace, draft))
        assert added.id, added.problems
    workspace.close()


def present_key(workspace: Workspace) -> str:
    """The key that both credentials hold."""
    with workspace.store.reading() as session:
        keys = set(session.exec(select(Project.access_key)).all())
    assert len(keys) == 1 and len(list_credentials(ANNA, workspace)) == len(NAMES), keys
    return keys.pop()


def clean(settings: Settings, account: dict, original: set[str]) -> None:
    """Leave the account as it was."""
    with signed_api(settings, account) as api:
        for name in pairs_there(settings, account) - original:
            api.delete_keypair(name)
    with password_api(settings, account) as api:
        for key in api.read_access_keys():
            if key.access_key_id not in original:
                api.delete_access_key(key.access_key_id)


def door_of(workspace: Workspace, account: dict) -> Door:
    """The account, opened by its password."""
    opened = open_with_password(ANNA, workspace, account["email"], SecretStr(account["password"]), account["region"])
    assert opened.door, opened.problem
    return opened.door


def pairs_there(settings: Settings, account: dict) -> set[str]:
    """The names of the account's keypairs at OUTSCALE."""
    with signed_api(settings, account) as api:
        return {pair.keypair_name for pair in api.read_keypairs()}


def signed_api(settings: Settings, account: dict) -> Oapi:
    """The API, signed with the account's own key: a password may not read keypairs."""
    key = account["access_keys"][0]
    region = load_regions(settings)[account["region"]]
    return Oapi(region, access_key=key["access_key_id"], secret_key=SecretStr(key["secret_key"]))


def password_api(settings: Settings, account: dict) -> Oapi:
    """The API, signed in with the account's password."""
    region = load_regions(settings)[account["region"]]
    return Oapi(region, email=account["email"], password=SecretStr(account["password"]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
