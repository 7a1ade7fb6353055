"""Who may come in: what counts of a sign-in at the provider, for how long, and why it ends.

Streamlit keeps what the provider said in a signed cookie of the browser, for 30 days and whatever happens. So each look
at a screen asks here whether that sign-in still counts."""

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlmodel import Session, func, or_, select

from core.domain.actor import Actor
from core.domain.people import groups, name_of, role_of, told_apart
from core.domain.roles import Role
from core.domain.sign_in import AFRESH, Why, words
from core.services.provider import NoWord, userinfo
from core.services.use_case import Change, changing, note
from core.services.workspace import Workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.people import Person, SignIn

GRACE = timedelta(hours=1)
"""How long somebody signed in works on while the provider does not answer."""
_SEEN_EVERY = timedelta(minutes=1)
_AHEAD = timedelta(minutes=3)
"""How far the provider's clock may be ahead of ours."""
_turned_away: deque[str] = deque(maxlen=1000)
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is in. `id` names this sign-in; it counts from `begun` to `ends`. `proved`: when the person last
    showed the provider who they are, which with single sign-on may be long before; where the provider does not tell,
    the beginning of a sign-in that asked for it, and of no other one."""

    id: str
    actor: Actor
    begun: datetime
    ends: datetime
    proved: datetime


@dataclass(frozen=True)
class TurnedAway:
    """Somebody who is not in: why, what to say about it, and the name under which they signed in."""

    why: Why
    name: str
    text: str


def admit(
    workspace: Workspace, claims: Mapping[str, Any], token: SecretStr | None, address: str
) -> SignedIn | TurnedAway:
    """Whether the sign-in that `claims` tell of counts now. They are the claims of an ID token whose signature was
    checked, and `token` is the access token that came with it; `address` is the browser's.

    The first time, the sign-in is stored and recorded. Every few minutes the provider is asked again.
    Raises StoreError when the store refuses."""
    settings = workspace.settings
    begun = _begun(claims)
    if begun is None or not _ours(claims, settings):
        _record_once(workspace, claims, address)
        return TurnedAway(Why.NOT_OURS, name_of(claims), _words(Why.NOT_OURS, claims, settings))
    with workspace.store.reading() as session:
        here = _Here(workspace, claims, begun, address, _name_here(session, claims))
        row = session.get(SignIn, here.id)
        person = here.person(session)
    if row and row.ended:
        return here.away(Why(row.why))
    if why := here.over(person):
        return here.end(why)
    if row is None:
        row = here.begin(*_first_role(settings, claims, token))
        if row.ended:
            return here.away(Why(row.why))
    elif why := here.ask_again(row, token):
        return here.end(why)
    role = row.role if row.recheck == "role" else _role(settings, claims)
    if role is None:
        return here.end(Why.ROLE_REMOVED)
    here.was_seen(row)
    asked = begun if claims.get("provider") == AFRESH else _LONG_AGO
    return SignedIn(here.id, here.actor(role), begun, here.ends, _moment(claims.get("auth_time")) or asked)


def counts(workspace: Workspace, sign_in_id: str) -> bool:
    """Whether a sign-in that was admitted is still open. Raises StoreError when the store cannot be read."""
    with workspace.store.reading() as session:
        row = session.get(SignIn, sign_in_id)
        lifetime = timedelta(hours=workspace.settings.session_hours)
        return row is not None and row.ended is None and now() < row.begun + lifetime


def not_let_in(workspace: Workspace, address: str, why: str) -> None:
    """Record that a sign-in failed before anybody was known. Raises StoreError when it cannot be recorded."""
    nobody = Actor(name="unknown", role=Role.PRESENTER, address=address)
    note(nobody, workspace, "refused.sign_in", "sign-in", outcome="refused", why=why)


def _record_once(workspace: Workspace, claims: Mapping[str, Any], address: str) -> None:
    """Record a token that was not meant for this dashboard, and not at each look of the browser that brought it."""
    told = _digest(claims)
    if told not in _turned_away:
        _turned_away.append(told)
        not_let_in(workspace, address, f"a token that is not meant for this dashboard, of {name_of(claims)}")


def end_sign_in(session: Session, row: SignIn, why: Why) -> None:
    """End a sign-in, in a transaction of the caller's, who records it."""
    row.ended, row.why = now(), why.value
    session.add(row)


@dataclass(frozen=True)
class _Here:
    """One sign-in that is looked at."""

    workspace: Workspace
    claims: Mapping[str, Any]
    begun: datetime
    address: str
    name: str

    @property
    def id(self) -> str:
        """The nonce is new with every sign-in; a provider that leaves it out is told apart by the second."""
        return _digest(self.claims)

    @property
    def ends(self) -> datetime:
        return self.begun + timedelta(hours=self.workspace.settings.session_hours)

    def actor(self, role: Role | None) -> Actor:
        return Actor(name=self.name, role=role or Role.PRESENTER, address=self.address)

    def person(self, session: Session) -> Person | None:
        who = select(Person).where(Person.issuer == str(self.claims["iss"]), Person.subject == str(self.claims["sub"]))
        return session.exec(who).first()

    def away(self, why: Why) -> TurnedAway:
        return TurnedAway(why, name_of(self.claims), _words(why, self.claims, self.workspace.settings))

    def over(self, person: Person | None) -> Why | None:
        if person and person.blocked:
            return Why.BLOCKED
        if person and person.signed_out_before and self.begun <= person.signed_out_before:
            return Why.ENDED
        return Why.EXPIRED if now() >= self.ends else None

    def begin(self, role: Role | None, recheck: str) -> SignIn:
        """Store and record a sign-in that was not seen before; without a role it is ended at once."""
        action = "person.sign_in" if role else "refused.sign_in"
        with changing(self.actor(role), self.workspace, action) as change:
            session = change.session
            if row := session.get(SignIn, self.id):
                return row  # another tab of this browser was faster
            person = self.person(session) or Person(
                issuer=str(self.claims["iss"]), subject=str(self.claims["sub"]), name=""
            )
            person.name, person.role, person.seen = name_of(self.claims), role, now()
            person.email = str(self.claims.get("email") or "")[:254]
            session.add(person)
            session.flush()
            row = SignIn(
                id=self.id, person_id=person.id, role=role, recheck=recheck, address=self.address, begun=self.begun
            )
            session.add(row)
            if role is None:
                end_sign_in(session, row, Why.NO_ROLE)
                self._record(change, outcome="refused", why="no group has a role")
            else:
                self._record(change, as_role=role.value, until=self.ends.isoformat())
        return row

    def end(self, why: Why) -> TurnedAway:
        """End and record a sign-in that does not count any more. One that never counted is recorded as refused, once;
        one of somebody who was never seen here leaves nothing."""
        with self.workspace.store.reading() as session:
            seen = session.get(SignIn, self.id)
            known = self.person(session)
        if seen:
            with changing(self.actor(seen.role), self.workspace, "person.session_end") as change:
                row = change.session.get_one(SignIn, self.id)
                if row.ended is None:
                    end_sign_in(change.session, row, why)
                    self._record(change, why=why.value)
        elif known:
            with changing(self.actor(None), self.workspace, "refused.sign_in") as change:
                row = SignIn(id=self.id, person_id=known.id, address=self.address, begun=self.begun)
                end_sign_in(change.session, row, why)
                self._record(change, outcome="refused", why=why.value)
        return self.away(why)

    def ask_again(self, row: SignIn, token: SecretStr | None) -> Why | None:
        """Ask the provider when it is time. Gives why the sign-in counts no longer; changes `row` otherwise."""
        every = timedelta(minutes=self.workspace.settings.oidc_recheck_minutes)
        if not row.recheck or not every or token is None or now() - row.asked < every:
            return None
        with self.workspace.store.writing() as session:
            stored = session.get_one(SignIn, row.id)
            if stored.asked != row.asked:
                return None  # another tab asks
            stored.asked = now()
            session.add(stored)
        said = userinfo(self.workspace.settings, token)
        if said is NoWord.REFUSED:
            return Why.REFUSED
        if said is NoWord.UNREACHABLE:
            return Why.UNCONFIRMED if now() - row.confirmed >= GRACE else None
        if said.get("sub", self.claims["sub"]) != self.claims["sub"]:
            return Why.REFUSED
        named = groups(said, self.workspace.settings.oidc_roles_claim)
        if named is None and row.recheck == "role":
            return Why.ROLE_REMOVED
        role = row.role
        if named is not None:
            role = role_of(named, self.workspace.settings.oidc_roles)
            if role is None:
                return Why.ROLE_REMOVED
        self._confirmed(row, role, "role" if named is not None else row.recheck)
        return None

    def _confirmed(self, row: SignIn, role: Role | None, recheck: str) -> None:
        if row.role != role:
            with changing(self.actor(role), self.workspace, "person.role_change") as change:
                stored = change.session.get_one(SignIn, row.id)
                person = change.session.get_one(Person, stored.person_id)
                self._record(change, before=stored.role, after=role)
                stored.role = person.role = role
                change.session.add_all([stored, person])
        with self.workspace.store.writing() as session:
            stored = session.get_one(SignIn, row.id)
            stored.confirmed, stored.recheck = now(), recheck
            session.add(stored)
        row.role, row.recheck = role, recheck

    def was_seen(self, row: SignIn) -> None:
        if now() - row.seen < _SEEN_EVERY:
            return
        with self.workspace.store.writing() as session:
            stored = session.get_one(SignIn, row.id)
            person = session.get_one(Person, stored.person_id)
            stored.seen = person.seen = now()
            session.add_all([stored, person])

    def _record(self, change: Change, **details: Any) -> None:
        change.record(change.actor.name, person=str(self.claims["sub"])[:255], **details)


def _name_here(session: Session, claims: Mapping[str, Any]) -> str:
    """The name that events carry. At many providers people choose it themselves, so one that others had here is not
    enough to know somebody by."""
    name, issuer, subject = name_of(claims), str(claims["iss"]), str(claims["sub"])
    others = select(Person.id).where(
        func.lower(Person.name) == name.lower(), or_(Person.issuer != issuer, Person.subject != subject)
    )
    return told_apart(name, subject) if name.endswith(")") or session.exec(others).first() else name


def _digest(claims: Mapping[str, Any]) -> str:
    told = [claims.get(name) for name in ("iss", "sub", "nonce", "iat", "sid", "jti")]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _begun(claims: Mapping[str, Any]) -> datetime | None:
    """When the token was issued; None when it does not say so, or has not been yet."""
    return _moment(claims.get("iat"))


def _moment(told: object) -> datetime | None:
    if not isinstance(told, int | float):
        return None
    try:
        moment = datetime.fromtimestamp(told, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment if moment <= now() + _AHEAD else None


def _ours(claims: Mapping[str, Any], settings: Settings) -> bool:
    """Whether the provider of the settings gave the token to this dashboard. Authlib asks that an authorized party of
    our name stands in it, and takes a token for others then."""
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    issuer = str(claims.get("iss", "")).rstrip("/")
    return settings.oidc_client_id in meant and issuer == settings.oidc_issuer and bool(claims.get("sub"))


def _role(settings: Settings, claims: Mapping[str, Any]) -> Role | None:
    return role_of(groups(claims, settings.oidc_roles_claim) or [], settings.oidc_roles)


def _first_role(settings: Settings, claims: Mapping[str, Any], token: SecretStr | None) -> tuple[Role | None, str]:
    """The role at the sign-in, and what the provider will tell later. Userinfo is newer than the token, and some
    providers tell the groups only in one of them."""
    said = NoWord.REFUSED if token is None else userinfo(settings, token)
    if said is NoWord.REFUSED:
        return _role(settings, claims), ""
    if said is NoWord.UNREACHABLE:
        return _role(settings, claims), "token"
    if said.get("sub", claims["sub"]) != claims["sub"]:
        return None, ""
    named = groups(said, settings.oidc_roles_claim)
    if named is None:
        return _role(settings, claims), "token"
    return role_of(named, settings.oidc_roles), "role"


def _words(why: Why, claims: Mapping[str, Any], settings: Settings) -> str:
    claim = settings.oidc_roles_claim
    return words(why, claim, groups(claims, claim), settings.session_hours)
