"""The list of hosts that this program may connect to beside OUTSCALE's own: shown, added to, taken from, asked."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem, proxy_problem
from core.domain.hosts import RULE_FORM, NeverOpenedError, parse_rule
from core.domain.proxy import parse_proxy
from core.outscale.egress import typed_refusal
from core.services.rights import use_case
from core.services.use_case import changing, looking, refuse
from core.services.workspace import Workspace
from core.store.tables.policy import AllowedHost

NOTE_LENGTH = 200


class AllowedHostView(BaseModel):
    """An entry as the list shows it. `added` is UTC; `counts` is False for one that an older version took and that
    opens nothing any more."""

    model_config = ConfigDict(frozen=True)

    entry: str
    note: str
    added: datetime
    added_by: str
    counts: bool


@use_case
def list_allowed_hosts(actor: Actor, workspace: Workspace) -> list[AllowedHostView]:
    """All entries, by their text.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "allowed_hosts.list") as session:
        rows = session.exec(select(AllowedHost).order_by(col(AllowedHost.entry))).all()
        return [AllowedHostView(**row.model_dump(), counts=_counts(row.entry)) for row in rows]


@use_case
def allow_host(actor: Actor, workspace: Workspace, entry: str, note: str = "") -> list[FieldProblem]:
    """Add an entry: a host, `*.domain`, an address or a network, with `:port` for one port only. In force from the next
    connection on. Gives what is wrong with it; then nothing is changed.

    Raises StoreError when the store refuses."""
    try:
        written = str(parse_rule(entry))
    except NeverOpenedError as error:
        return [FieldProblem(field="entry", what=str(error), mend="Nobody can allow it.")]
    except ValueError as error:
        return [FieldProblem(field="entry", what=str(error), mend=f"Write it like {RULE_FORM}.")]
    note = " ".join(note.split())
    if len(note) > NOTE_LENGTH:
        what = f"The note has {len(note)} characters; {NOTE_LENGTH} is the most."
        return [FieldProblem(field="note", what=what, mend="Shorten it.")]
    with changing(actor, workspace, "allowed_hosts.add") as change:
        if change.session.get(AllowedHost, written):
            return [FieldProblem(field="entry", what=f"{written} is on the list already.", mend="Look at the list.")]
        change.session.add(AllowedHost(entry=written, note=note, added_by=actor.name))
        change.record(written, note=note)
    return []


@use_case
def remove_allowed_host(actor: Actor, workspace: Workspace, entry: str) -> FieldProblem | None:
    """Take an entry from the list; what it alone allowed is refused from the next connection on. Returns None when
    done, else what is wrong.

    Raises StoreError when the store refuses."""
    entry = _written(entry)
    with changing(actor, workspace, "allowed_hosts.remove") as change:
        row = change.session.get(AllowedHost, entry)
        if row is None:
            return FieldProblem(field="entry", what=f"{entry} is not on the list.", mend="Look at the list.")
        change.session.delete(row)
        change.record(entry, note=row.note)
    return None


@use_case
def with_proxy_refusal(
    actor: Actor, workspace: Workspace, problems: Iterable[FieldProblem], proxy: SecretStr
) -> list[FieldProblem]:
    """The problems of a form, and that of its proxy when its host may not be connected to, which is recorded: somebody
    may be looking for a way in. Nothing is connected to.

    Raises StoreError when the store refuses."""
    found = list(problems)
    if not proxy.get_secret_value() or proxy_problem(proxy):
        return found
    way = parse_proxy(proxy.get_secret_value())
    refused = typed_refusal(way.host, way.port, workspace.allowed)
    if refused is None:
        return found
    told = refuse(actor, workspace, "proxy", way.address, refused.what)
    return [*found, FieldProblem(field="proxy", what=str(told), mend=refused.mend)]


def _counts(entry: str) -> bool:
    try:
        parse_rule(entry)
    except ValueError:
        return False
    return True


def _written(entry: str) -> str:
    """An entry as it is stored; one that cannot be read is looked for as it stands."""
    try:
        return str(parse_rule(entry))
    except ValueError:
        return entry.strip()
