"""What happened lately, in plain words, for whoever may know of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, func, select

from core.domain.actor import Actor
from core.services import rights
from core.services.audit_chain import Line, line_columns, line_of
from core.services.event_words import WORDS, in_words
from core.services.rights import use_case
from core.services.scope import Scope, scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials

SHOWN = 6
_LOOKED_THROUGH = 2_000
"""Events, the newest: what is further back is not lately, and a long trail is not to be read for it."""
_NAMED = 200
"""Credentials in sight whose events are looked for by their names."""
_CREDENTIALS = "credentials."
_AREAS = {
    "request_views.list_requests": ("request.",),
    "accounts.list_accounts": ("account.", "keypair."),
    "key_intents.open_intents": ("access_key.", "access_keys.", "keys.", "rotation."),
    "credentials.list_credentials": (_CREDENTIALS,),
    "billing.bucket_choices": ("buckets.",),
    "costs.costs": ("bills.", "budget.", "costs.", "mapping."),
}
"""The events that belong to what somebody may see, by the service function that shows it."""


@dataclass(frozen=True)
class Happening:
    """One line: at `at` (UTC) `who` did `what`. `outcome`: an `Ending`; `more`: how many of the same kind it followed
    at once, which are not told."""

    at: datetime
    who: str
    what: str
    outcome: str
    more: int = 0


@use_case
def lately(actor: Actor, workspace: Workspace, limit: int = SHOWN) -> list[Happening]:
    """The latest that happened, the newest first. Whoever may see the audit trail is told of everything; others of what
    belongs to the screens that they have; and who sees only a part of these, of credentials in sight and of what they
    did themselves.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    found: list[Happening] = []
    with looking(actor, workspace, "lately.list") as session:
        newest = session.exec(select(func.max(Event.id))).one() or 0
        where = (col(Event.id) > newest - _LOOKED_THROUGH, _worth_telling(), _may_know(session, actor, scope))
        rows = session.execute(line_columns().where(*where).order_by(col(Event.id).desc()).limit(_LOOKED_THROUGH))
        kind: tuple[str, ...] = ()
        for line in map(line_of, rows):
            happening = _told(line)
            if happening is None:
                continue
            before, kind = kind, (happening.who, happening.outcome, str(line.fields["action"]))
            if found and before == kind:
                last = found[-1]
                found[-1] = Happening(last.at, last.who, last.what, last.outcome, last.more + 1)
            elif len(found) == limit:
                break
            else:
                found.append(happening)
    return found


def _worth_telling() -> ColumnElement[bool]:
    return or_(col(Event.action).in_(WORDS), col(Event.action).startswith("refused."))


def _may_know(session: Session, actor: Actor, scope: Scope) -> ColumnElement[bool]:
    if rights.may(actor.role, "audit.list_trail"):
        return true()
    seen = [area for function, areas in _AREAS.items() if rights.may(actor.role, function) for area in areas]
    if scope.everything:
        return or_(*map(col(Event.action).startswith, seen))
    own = and_(
        col(Event.actor) == actor.name,
        or_(*(col(Event.action).startswith(area) for area in seen if area != _CREDENTIALS)),
    )
    # Others of these names, deleted since, may have been out of sight.
    named = session.exec(select(Credentials.name, Credentials.created).where(scope.credentials())).all()
    about = [and_(col(Event.subject) == name, col(Event.at) >= created) for name, created in named[:_NAMED]]
    return or_(own, and_(col(Event.action).startswith(_CREDENTIALS), or_(false(), *about)))


def _told(line: Line) -> Happening | None:
    """The event in words; None when it is not worth telling, or somebody made it unreadable."""
    fields = line.fields
    action, outcome = str(fields["action"]), str(fields["outcome"])
    try:
        at = datetime.fromisoformat(str(fields["at"]))
    except ValueError:
        return None
    if action.startswith("refused."):
        details = fields["details"]
        why = str(details.get("why", "")) if isinstance(details, dict) else ""
        what = f"was refused: {why.rstrip('.') or action.removeprefix('refused.')}"
    else:
        what = in_words(action, outcome, str(fields["subject"]))
    return Happening(at, str(fields["actor"]), what, outcome) if what else None
