"""What happened lately: in words, for whoever may know of it."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

import core.services
from core.domain.actor import Actor
from core.domain.roles import Role
from core.sandbox.places import EMPTY_BUCKET, WEST
from core.services.credentials import check_again, delete_credentials, set_enabled
from core.services.event_words import WORDS, in_words
from core.services.lately import lately
from core.services.policy import PolicyFigures, set_policy
from core.services.rights import RIGHTS
from core.services.use_case import NotAllowedError, note
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.audit import Event
from core.store.tables.credentials import Bucket, Credentials, Project
from core.store.tables.policy import Policy
from tests.services.conftest import ACTOR, project_row, projects, stored

ANNA = Actor(name="anna", via="test", role=Role.OPERATOR)
FIGURES = PolicyFigures.model_validate(Policy())
QUIET = frozenset(
    {
        "access_key.intend", "access_key.show", "access_keys.list", "account.learned", "account.update",
        "audit.begin", "bills.forget", "bills.read", "buckets.preview", "buckets.refresh", "credentials.check",
        "credentials.check_form", "credentials.export", "keypair.import", "keypair.intend", "keypair.taken",
        "person.role_change", "person.session_end", "person.sign_in", "person.sign_out", "person.sign_out_everywhere",
        "request.annotate", "request.edit", "request.send", "request.unsure", "rotation.again", "rotation.checked",
        "rotation.created", "rotation.restored", "vault.rotate", "vault.sealed",
        "walkthrough.begin", "walkthrough.forget_keys", "walkthrough.made", "walkthrough.step",
    }
)  # fmt: skip
"""A step of another action, or nothing that anybody needs to be told of."""

LOOKS = {"looking", "open_storage"}
"""What records nothing."""


def told(workspace: Workspace, role: Role, name: str = "nobody", **more: int) -> list[str]:
    found = lately(Actor(name=name, role=role), workspace, **more)
    return [f"{one.who} {one.what}{f' +{one.more}' if one.more else ''}" for one in found]


def recorded() -> set[str]:
    """Every action that the services record, by their source."""
    areas = {action.split(".")[0] for action in (*WORDS, *QUIET)} - {"proxy"}
    found: set[str] = set()
    for path in Path(core.services.__path__[0]).rglob("*.py"):
        if path.name in ("rights.py", "event_words.py", "lately.py"):
            continue
        tree = ast.parse(path.read_text())
        looked = {
            id(inside)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in LOOKS
            for inside in node.args
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in looked:
                area, dot, action = node.value.partition(".")
                if dot and area in areas and action.isidentifier():
                    found.add(node.value)
    return found


def test_every_action_has_words_or_is_quiet() -> None:
    found = recorded()
    assert len(found) > 60
    assert {"credentials.add", "request.not_sent", "account.updated", "backup.made"} <= found
    asked = {function for right in RIGHTS for function in right.functions}
    assert found - set(WORDS) - QUIET - asked == set(), "say in core/services/event_words.py what it is called"
    assert set(WORDS) - found - {"keypair.absent"} == set(), "nothing records these"
    assert not set(WORDS) & QUIET


def test_words_name_the_subject() -> None:
    assert in_words("credentials.add", "done", "a{b}") == "added the credentials a{b}"
    assert in_words("credentials.checked", "failed", "demo") == "checked the credentials demo, and something failed"
    assert in_words("access_key.delete", "done", "AK") == in_words("nothing.known", "done", "x") == ""


def test_the_newest_come_first_and_what_is_alike_is_one_line(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0)), name="one"))
    stored(workspace, projects(project_row(sandbox.account(2)), name="two"))
    check_again(ANNA, workspace, ["one", "two"])
    set_enabled(ANNA, workspace, ["one"], False)
    assert told(workspace, Role.ADMINISTRATOR) == [
        "anna disabled the credentials one",
        "anna checked the credentials two +1",
        "tester added the credentials two +1",
    ]
    assert told(workspace, Role.ADMINISTRATOR, limit=1) == ["anna disabled the credentials one"]


def test_a_refusal_is_told_to_those_who_supervise(workspace: Workspace) -> None:
    with pytest.raises(NotAllowedError):
        set_policy(ANNA, workspace, FIGURES)
    note(ACTOR, workspace, "policy.set", "policy")
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        first, second = told(workspace, role)
        assert first == "tester set the policy"
        assert second.startswith("anna was refused: Administration: “Set the policy” is not for the role operator")
    assert told(workspace, Role.OPERATOR, "anna") == []


def test_operators_are_told_of_what_their_screens_show(workspace: Workspace) -> None:
    note(ACTOR, workspace, "access_key.created", "AK1")
    note(ACTOR, workspace, "person.block", "bob")
    note(ACTOR, workspace, "secret.reveal", "demo")
    note(ACTOR, workspace, "bills.pull", "bills")
    assert told(workspace, Role.OPERATOR) == ["tester read the bills", "tester created the access key AK1"]


def test_finance_and_presenters_are_told_of_credentials_in_sight_and_their_own(workspace: Workspace, sandbox) -> None:
    place = {"secret_key_sealed": "", "account_id": "123456789012"}
    with workspace.store.writing() as session:
        rows = {name: Credentials(name=name, created=now() - timedelta(hours=1)) for name in ("west", "paris", "bills")}
        rows["bills"].billing_only = True
        session.add_all(rows.values())
        session.flush()
        session.add(Project(credentials_id=rows["west"].id, position=0, access_key="A", region=WEST, **place))
        session.add(Project(credentials_id=rows["paris"].id, position=0, access_key="B", region="eu-west-2", **place))
        session.add(Bucket(credentials_id=rows["bills"].id, position=0, name=EMPTY_BUCKET, region="eu-west-2"))
        session.add(Event(actor="x", via="t", action="credentials.add", subject="west", at=now() - timedelta(days=9)))
    for name in rows:
        note(ACTOR, workspace, "credentials.edit", name)
        note(ANNA, workspace, "credentials.edit", name)
    note(ANNA, workspace, "budget.set", "compute")
    note(ACTOR, workspace, "budget.set", "storage")
    note(ANNA, workspace, "account.add", "123456789012")
    assert told(workspace, Role.FINANCE, "anna") == [
        "anna set the budget of compute",
        "anna edited the credentials bills",
        "tester edited the credentials bills",
    ]
    assert told(workspace, Role.PRESENTER, "bob") == [
        "anna edited the credentials west",
        "tester edited the credentials west",
    ], "not of another one of this name from before"
    assert told(workspace, Role.PRESENTER, "anna")[0] == "anna added the account 123456789012"


def test_what_is_gone_is_told_no_more_to_those_who_see_a_part(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0)), name="west"))
    delete_credentials(ACTOR, workspace, "west", "west")
    assert told(workspace, Role.PRESENTER) == []
    assert told(workspace, Role.OPERATOR)[0] == "tester deleted the credentials west"


def test_an_event_that_somebody_made_unreadable_is_left_out(workspace: Workspace) -> None:
    note(ACTOR, workspace, "policy.set", "policy")
    note(ACTOR, workspace, "budget.set", "compute")
    with workspace.store.writing() as session:
        session.connection().exec_driver_sql("UPDATE event SET at = 'x' WHERE action = 'budget.set'")
    assert told(workspace, Role.AUDITOR) == ["tester set the policy"]
    with workspace.store.reading() as session:
        assert session.exec(select(Event.id).where(Event.action == "budget.set")).first()
