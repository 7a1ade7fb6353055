"""Who is let in, and for how long, in front of a real provider."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.domain.roles import Role
from core.domain.sign_in import AFRESH, Why
from core.services import sign_in
from core.services.people import (
    block_person,
    end_own_sessions,
    end_sessions,
    list_people,
    sign_out,
    unblock_person,
)
from core.services.reveal import is_fresh
from core.services.sign_in import SignedIn, TurnedAway, admit, counts
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.audit import Event
from core.store.tables.people import Person, SignIn
from tests.oidc import ROLE_OF, ROLES, Provider
from tests.services.conftest import ACTOR


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture
def workspace(tmp_path, provider: Provider) -> Iterator[Workspace]:
    opened = open_workspace(
        Settings(
            home=tmp_path / "home",
            oidc_issuer=provider.issuer,
            oidc_client_id="onboarding",
            oidc_client_secret=SecretStr("of-the-provider"),
            oidc_roles={group: Role(role) for group, role in ROLES.items()},
            connect_timeout=1,
            read_timeout=1,
        )
    )
    yield opened
    opened.close()


def events(workspace: Workspace) -> list[Event]:
    """What was recorded, without the line that the trail begins with."""
    with workspace.store.reading() as session:
        return list(session.exec(select(Event).where(Event.action != "audit.begin").order_by(Event.id)).all())


def actions(workspace: Workspace) -> list[str]:
    return [event.action for event in events(workspace)]


def enter(workspace: Workspace, told: tuple[dict[str, Any], str]) -> SignedIn | TurnedAway:
    return admit(workspace, told[0], SecretStr(told[1]), "192.0.2.7")


def let_in(workspace: Workspace, told: tuple[dict[str, Any], str]) -> SignedIn:
    found = enter(workspace, told)
    assert isinstance(found, SignedIn), found
    return found


def turned_away(workspace: Workspace, told: tuple[dict[str, Any], str], why: Why) -> str:
    found = enter(workspace, told)
    assert isinstance(found, TurnedAway), found
    assert found.why is why
    return found.text


def age(workspace: Workspace, sign_in_id: str, **moments: timedelta) -> None:
    """Put moments of a sign-in back."""
    with workspace.store.writing() as session:
        row = session.get_one(SignIn, sign_in_id)
        for name, span in moments.items():
            setattr(row, name, now() - span)
        session.add(row)


RECHECK = timedelta(minutes=6)


@pytest.mark.parametrize("who", [name for name, role in ROLE_OF.items() if role])
def test_a_group_gives_its_role(workspace: Workspace, provider: Provider, who: str) -> None:
    found = let_in(workspace, provider.sign_in(who))
    assert (found.actor.name, found.actor.role, found.actor.address) == (who, ROLE_OF[who], "192.0.2.7")
    assert found.ends - found.begun == timedelta(hours=8)
    assert counts(workspace, found.id)
    (event,) = events(workspace)
    assert (event.action, event.actor, event.subject) == ("person.sign_in", who, who)
    assert event.outcome == "done"
    assert event.details["as_role"] == ROLE_OF[who]


def test_single_sign_on_is_no_fresh_proof(workspace: Workspace, provider: Provider) -> None:
    """A browser that is left alone gets a new token by two clicks, and its person shows nothing for it."""
    claims, token = provider.sign_in("ada")
    del claims["auth_time"]  # not every provider tells it
    assert not is_fresh(let_in(workspace, (claims, token)).proved)
    assert not is_fresh(let_in(workspace, (claims | {"provider": "default"}, token)).proved)
    afresh = let_in(workspace, (claims | {"provider": AFRESH}, token))
    assert afresh.proved == afresh.begun and is_fresh(afresh.proved)
    hour_ago = claims | {"provider": AFRESH, "auth_time": claims["iat"] - 3600}  # a provider that did not ask
    assert not is_fresh(let_in(workspace, (hour_ago, token)).proved)
    assert is_fresh(let_in(workspace, (claims | {"auth_time": claims["iat"]}, token)).proved)


def test_who_takes_the_name_of_another_is_told_apart_in_events(workspace: Workspace, provider: Provider) -> None:
    assert let_in(workspace, provider.sign_in("ada")).actor.name == "ada"
    provider.set_person("otto", preferred_username="ADA", groups=["cloud-ops"])
    assert let_in(workspace, provider.sign_in("otto")).actor.name == "ADA (otto)"
    assert let_in(workspace, provider.sign_in("ada")).actor.name == "ada (ada)"
    provider.set_person("fiona", preferred_username="ada (ada)", groups=["finance"])
    assert let_in(workspace, provider.sign_in("fiona")).actor.name == "ada (ada) (fiona)"
    signed_in = [(event.actor, event.details["person"]) for event in events(workspace)]
    assert signed_in == [("ada", "ada"), ("ADA (otto)", "otto"), ("ada (ada)", "ada"), ("ada (ada) (fiona)", "fiona")]


def test_of_several_groups_the_role_that_may_do_most_counts(workspace: Workspace, provider: Provider) -> None:
    provider.set_person("ada", groups=["sales", "kitchen", "finance", "cloud-ops"])
    assert let_in(workspace, provider.sign_in("ada")).actor.role is Role.OPERATOR


def test_who_has_no_role_is_told_where_was_looked_and_recorded_once(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("nina")
    text = turned_away(workspace, told, Why.NO_ROLE)
    assert "the claim groups, which holds kitchen" in text
    turned_away(workspace, told, Why.NO_ROLE)
    assert actions(workspace) == ["refused.sign_in"]
    provider.set_person("nina")
    assert "which is not there" in turned_away(workspace, provider.sign_in("nina"), Why.NO_ROLE)
    (person,) = list_people(ACTOR, workspace)
    assert (person.name, person.role, person.sessions) == ("nina", None, 0)
    provider.set_person("nina", groups=["finance"])
    assert let_in(workspace, provider.sign_in("nina")).actor.role is Role.FINANCE


def test_a_session_ends_with_its_lifetime(workspace: Workspace, provider: Provider) -> None:
    claims, token = provider.sign_in("ada")
    found = let_in(workspace, (claims, token))
    old = claims | {"iat": int(time.time()) - 8 * 3600}
    assert "8 hours" in turned_away(workspace, (old, token), Why.EXPIRED)
    age(workspace, found.id, begun=timedelta(hours=9))
    assert not counts(workspace, found.id)


def test_times_that_end_a_sign_in_are_of_it_no_more(
    workspace: Workspace, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, later = provider.sign_in("ada"), provider.sign_in("ada")
    found = let_in(workspace, told)
    with workspace.store.writing() as session:
        session.exec(select(Person)).one().signed_out_before = found.begun
    turned_away(workspace, told, Why.ENDED)
    with workspace.store.writing() as session:
        session.exec(select(Person)).one().signed_out_before = None
    found = let_in(workspace, later)
    monkeypatch.setattr(sign_in, "now", lambda: found.ends)
    assert not counts(workspace, found.id)
    turned_away(workspace, later, Why.EXPIRED)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"aud": ["another"], "azp": "onboarding"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iat": None},
        {"iat": "soon"},
        {"iat": 1e300},
        {"iat": time.time() + 3600},
        {"sub": ""},
    ],
)
def test_a_token_for_others_or_of_no_time_is_not_taken(
    workspace: Workspace, provider: Provider, change: dict[str, Any]
) -> None:
    claims, token = provider.sign_in("ada")
    turned_away(workspace, (claims | change, token), Why.NOT_OURS)
    turned_away(workspace, (claims | change, token), Why.NOT_OURS)
    assert list_people(ACTOR, workspace) == []
    (event,) = events(workspace)  # once, however often the browser looks
    assert (event.action, event.outcome, event.address) == ("refused.sign_in", "refused", "192.0.2.7")
    assert event.details["why"] == "a token that is not meant for this dashboard, of ada"


def test_a_role_taken_away_is_noticed_within_minutes(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    found = let_in(workspace, told)
    provider.set_person("ada", preferred_username="ada", groups=["kitchen"])
    let_in(workspace, told)  # not asked yet
    age(workspace, found.id, asked=RECHECK)
    assert "taken away" in turned_away(workspace, told, Why.ROLE_REMOVED)
    provider.set_person("ada", preferred_username="ada", groups=["cloud-admins"])
    turned_away(workspace, told, Why.ROLE_REMOVED)  # only a new sign-in brings it back
    assert actions(workspace) == ["person.sign_in", "person.session_end"]
    assert let_in(workspace, provider.sign_in("ada")).actor.role is Role.ADMINISTRATOR


def test_a_claim_that_vanished_is_a_role_taken_away(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    found = let_in(workspace, told)
    provider.set_person("ada", preferred_username="ada")
    age(workspace, found.id, asked=RECHECK)
    turned_away(workspace, told, Why.ROLE_REMOVED)


def test_another_role_holds_from_then_on(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    found = let_in(workspace, told)
    provider.set_person("ada", preferred_username="ada", groups=["finance"])
    age(workspace, found.id, asked=RECHECK)
    assert let_in(workspace, told).actor.role is Role.FINANCE
    assert events(workspace)[-1].details | {"person": ""} == {
        "person": "",
        "before": "administrator",
        "after": "finance",
    }


def test_a_mapping_that_is_gone_after_a_restart_ends_sessions(workspace: Workspace, provider: Provider) -> None:
    claims, _ = provider.sign_in("fiona")
    assert isinstance(admit(workspace, claims, None, ""), SignedIn)  # no token: the claims alone tell the role
    without = Workspace(
        settings=workspace.settings.model_copy(update={"oidc_roles": {"cloud-admins": Role.ADMINISTRATOR}}),
        store=workspace.store,
        vault=workspace.vault,
    )
    found = admit(without, claims, None, "")
    assert isinstance(found, TurnedAway)
    assert found.why is Why.ROLE_REMOVED


def test_what_the_provider_says_of_another_person_counts_for_nobody(workspace: Workspace, provider: Provider) -> None:
    """Not at the first look, and not later."""
    claims, _ = provider.sign_in("nina")
    of_ada = provider.sign_in("ada")[1]
    turned_away(workspace, (claims, of_ada), Why.NO_ROLE)
    claims, token = provider.sign_in("otto")
    found = let_in(workspace, (claims, token))
    age(workspace, found.id, asked=RECHECK)
    turned_away(workspace, (claims, of_ada), Why.REFUSED)


def test_tokens_taken_back_end_the_session(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    found = let_in(workspace, told)
    provider.revoke("ada")
    age(workspace, found.id, asked=RECHECK)
    turned_away(workspace, told, Why.REFUSED)
    assert not counts(workspace, found.id)


def test_while_the_provider_is_down_people_work_on_for_an_hour(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    found = let_in(workspace, told)
    provider.stop()
    age(workspace, found.id, asked=RECHECK, confirmed=timedelta(minutes=50))
    let_in(workspace, told)
    age(workspace, found.id, asked=RECHECK, confirmed=sign_in.GRACE)
    assert "has not answered for an hour" in turned_away(workspace, told, Why.UNCONFIRMED)


def test_a_provider_that_is_down_is_asked_once_in_a_while(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    found = let_in(workspace, told)
    provider.stop()
    age(workspace, found.id, asked=RECHECK)
    let_in(workspace, told)
    with workspace.store.reading() as session:
        assert now() - session.get_one(SignIn, found.id).asked < timedelta(minutes=1)


def test_sign_out_ends_this_sign_in_alone_and_its_copies(workspace: Workspace, provider: Provider) -> None:
    first, second = provider.sign_in("ada"), provider.sign_in("ada")
    found = let_in(workspace, first)
    let_in(workspace, second)
    sign_out(found.actor, workspace, found.id)
    turned_away(workspace, first, Why.SIGNED_OUT)
    let_in(workspace, second)
    sign_out(found.actor, workspace, found.id)  # a second tab does it too
    assert actions(workspace).count("person.sign_out") == 1


def test_sign_out_everywhere_ends_those_not_seen_yet_too(workspace: Workspace, provider: Provider) -> None:
    first, second, unseen = (provider.sign_in("ada") for _ in range(3))
    other = provider.sign_in("otto")
    found = let_in(workspace, first)
    let_in(workspace, second)
    let_in(workspace, other)
    assert end_own_sessions(found.actor, workspace, found.id) == 2
    for told in (first, second, unseen):
        turned_away(workspace, told, Why.ENDED)
    let_in(workspace, other)
    time.sleep(1.1)  # a token tells its time in whole seconds
    let_in(workspace, provider.sign_in("ada"))


def test_an_administrator_ends_and_blocks(workspace: Workspace, provider: Provider) -> None:
    ada, otto = provider.sign_in("ada"), provider.sign_in("otto")
    let_in(workspace, ada)
    let_in(workspace, otto)
    people = {one.name: one for one in list_people(ACTOR, workspace)}
    assert people["otto"].sessions == 1
    assert end_sessions(ACTOR, workspace, people["otto"].id) == 1
    assert end_sessions(ACTOR, workspace, "nobody") == 0
    turned_away(workspace, otto, Why.ENDED)
    claims, token = provider.sign_in("otto")
    working = let_in(workspace, (claims | {"iat": claims["iat"] + 1}, token))  # it tells its time in whole seconds
    assert block_person(ACTOR, workspace, people["otto"].id) == []
    assert not counts(workspace, working.id)  # nor for files, before the next look at a screen
    again = provider.sign_in("otto")
    turned_away(workspace, again, Why.BLOCKED)
    turned_away(workspace, again, Why.BLOCKED)
    assert actions(workspace).count("refused.sign_in") == 1
    unblock_person(ACTOR, workspace, people["otto"].id)
    claims, token = provider.sign_in("otto")
    let_in(workspace, (claims | {"iat": claims["iat"] + 1}, token))


def test_the_last_administrator_is_not_blocked(workspace: Workspace, provider: Provider) -> None:
    let_in(workspace, provider.sign_in("ada"))
    (person,) = list_people(ACTOR, workspace)
    (problem,) = block_person(ACTOR, workspace, person.id)
    assert "only administrator" in problem.what
    assert list_people(ACTOR, workspace)[0].blocked is None


def test_no_token_is_kept(workspace: Workspace, provider: Provider) -> None:
    told = provider.sign_in("ada")
    let_in(workspace, told)
    home = workspace.settings.home
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"ada" in kept
    assert told[1].encode() not in kept
    assert b"of-the-provider" not in kept
