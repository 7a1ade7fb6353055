"""The chain of the audit trail: each event carries a MAC over its fields and the MAC of the event before it.

event 1 ◄── event 2 ◄── event 3 ◄── head (how many, and the last one's MAC)

The key is random, sealed by the vault and kept in the database: whoever writes into the database without the master key
can forge no line, and a new master key leaves the chain as it is. Every writer holds the database's write lock, so
there is one end to write on. The data keys carry the mark of the trail that they were made with, so a trail that was
removed whole, to have the program begin another, is missed."""

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, LargeBinary, cast, func, insert, update
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import sealed
from core.services.data_keys import stored_keys
from core.store.columns import new_id
from core.store.store import Store
from core.store.tables.audit import AuditHead, AuditKey, Event
from core.vault.master_key import VaultError
from core.vault.vault import Vault, mark_of

BEGIN = "audit.begin"
BROKEN = "audit.broken"
PROGRAM = Actor(name="onboarding", via="program", role=Role.ADMINISTRATOR)
"""Who writes what the chain says of itself."""
SUBJECT = "audit trail"

_BATCH = 1000
_TEXTS = ("at", "actor", "via", "address", "action", "subject", "outcome", "details", "number", "previous", "mac")
_STORED = "%Y-%m-%d %H:%M:%S.%f"
_LARGEST_ID = 2**62
"""An id beyond it was never given by the database; one written by hand must not keep events from being written."""


@dataclass(frozen=True)
class ChainKeys:
    """What lines and the head are authenticated with; each has a key of its own, derived from the stored one."""

    line: bytes = field(repr=False)
    head: bytes = field(repr=False)

    def line_mac(self, fields: Mapping[str, Any]) -> str:
        """The MAC of an event's fields, among them the MAC before it: HMAC-SHA256 over canonical JSON."""
        return _mac(self.line, json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())

    def head_mac(self, count: object, last: object, mac: object) -> str:
        """The MAC of the head."""
        return _mac(self.head, f"{count}\x1f{last}\x1f{mac}".encode())


@dataclass(frozen=True)
class Line:
    """An event as it stands in the database. Whatever somebody wrote there can be read: what is no time, number or JSON
    stays as text."""

    id: int
    fields: dict[str, Any]
    mac: str

    @property
    def number(self) -> object:
        """The id that it says to have been written under."""
        return self.fields["number"]

    @property
    def previous(self) -> str:
        """The MAC that it says to follow."""
        return str(self.fields["previous"])


@dataclass(frozen=True)
class Head:
    """The head as it stands in the database."""

    count: object
    last: object
    mac: str
    seal: str

    def fits(self, keys: ChainKeys) -> bool:
        """Whether this program wrote it."""
        return same(self.seal, keys.head_mac(self.count, self.last, self.mac))


def begin_trail(store: Store, vault: Vault) -> None:
    """Make the key of the trail when there is none, and begin the chain with the events that are there already: from
    now on they cannot be changed unseen either.

    Raises StoreError when the store refuses."""
    with store.reading() as session:
        if _key_row(session):
            return
    with store.writing() as session:
        begin_within(session, vault, new_id())


def begin_within(session: Session, vault: Vault, trail: str) -> None:
    """The same within a writing transaction; the trail gets the id `trail`."""
    if _key_row(session):  # another process was faster
        return
    row = sealed.new_audit_key(vault, trail)
    session.add(row)
    session.flush()
    keys = _keys(sealed.audit_key(vault, row))
    earlier = _count(session)
    # Events that are chained under a key that is gone are not chained anew: that would hide what became of them.
    if not session.exec(select(Event.id).where(Event.mac != "").limit(1)).first():
        _chain_earlier(session, keys)
    chain = Chain(session, keys)
    chain.add(_of_program(BEGIN, earlier=earlier))
    chain.close()


def mark(trail: str) -> str:
    """What data keys that are made with the trail of this id carry in their own."""
    return trail.rpartition("-")[2]


def trails_gone(session: Session) -> list[str]:
    """The marks of trails that data keys were made with, and that are not the one here."""
    row = _key_row(session)
    here = {"", mark(row.id)} if row else {""}
    return sorted({mark_of(key.id) for key in stored_keys(session)} - here)


def mark_of_next(session: Session) -> str:
    """The mark for a new data key. A trail that is gone stays missed."""
    row = _key_row(session)
    return next(iter(trails_gone(session)), mark(row.id) if row else "")


def open_keys(store: Store, vault: Vault) -> ChainKeys:
    """The keys of the trail.

    Raises VaultError when the stored key is missing or does not open, or when the master key that it is sealed under
    by now is not at hand; StoreError when the store cannot be read."""
    with store.reading() as session:
        row = _key_row(session)
        if row and (keys := stored_keys(session)):
            vault.renew(keys)  # whoever lacks a new master key is told so, not that the key was altered
    try:
        if row:
            return _keys(sealed.audit_key(vault, row))
    except (VaultError, ValueError):
        pass
    raise VaultError(
        "The key of the audit trail is missing or was altered, so nothing can be recorded, and what is not recorded is "
        "not done. Restore the database from a copy; nothing was changed."
    )


class Chain:
    """The end of the chain within one writing transaction: add events, then close it."""

    def __init__(self, session: Session, keys: ChainKeys) -> None:
        """Find the end. When the head is missing or was altered, the chain begins anew with a line that says so."""
        self._session, self._keys = session, keys
        self._added = 0
        head = read_head(session)
        if head and head.fits(keys):
            self._count, self._last, self._mac = int(str(head.count)), int(str(head.last)), head.mac
            self._find_taken()
            return
        self._count, self._mac = _count(session), ""
        self._last = session.exec(select(func.max(Event.id)).where(col(Event.id) < _LARGEST_ID)).one() or 0
        self._find_taken()
        what = "altered" if head else "missing"
        self.add(_of_program(BROKEN, outcome="failed", head=what))

    def add(self, event: Event) -> None:
        """Give the event its place and MAC, and add it to the session."""
        number = self._last + 1
        while number in self._taken:  # somebody wrote lines behind the end by hand; they are found by a verification
            number += 1
        for name in ("actor", "via", "address", "action", "subject", "outcome"):
            text = str(getattr(event, name))
            setattr(event, name, text.encode("utf-8", "backslashreplace").decode())
        event.details = json.loads(json.dumps(event.details))  # as it will be read back
        event.id = event.number = number
        event.previous = self._mac
        event.mac = self._keys.line_mac(
            {
                "number": number,
                "previous": event.previous,
                "at": _moment(event.at),
                "actor": event.actor,
                "via": event.via,
                "address": event.address,
                "action": event.action,
                "subject": event.subject,
                "outcome": event.outcome,
                "details": event.details,
            }
        )
        self._session.add(event)
        self._last, self._mac = number, event.mac
        self._count += 1
        self._added += 1

    def close(self) -> None:
        """Write the head."""
        if self._added:
            write_head(self._session, self._keys, self._count, self._last, self._mac)

    def _find_taken(self) -> None:
        behind = select(Event.id).where(col(Event.id) > self._last).order_by(col(Event.id)).limit(_BATCH)
        self._taken = set(self._session.exec(behind).all())


def lines(session: Session, *where: ColumnElement[bool]) -> Iterator[Line]:
    """The events in the order of their ids, read piece by piece."""
    wanted = line_columns().where(*where).order_by(col(Event.id)).limit(_BATCH)
    rows = session.execute(wanted).all()
    while rows:
        yield from map(line_of, rows)
        rows = session.execute(wanted.where(col(Event.id) > rows[-1][0])).all()


def line_columns() -> Any:
    """What `line_of` takes, selected so that nothing that stands there can fail to be read."""
    return select(Event.id, *(cast(col(getattr(Event, name)), LargeBinary) for name in _TEXTS))


def line_of(row: Any) -> Line:
    """One selected row."""
    fields: dict[str, Any] = {name: readable(value) for name, value in zip(_TEXTS, row[1:], strict=True)}
    mac = fields.pop("mac")
    fields["at"] = _read(lambda text: _moment(_stored_moment(text)), fields["at"])
    fields["details"] = _read(json.loads, fields["details"])
    fields["number"] = _read(int, fields["number"])
    return Line(row[0], fields, mac)


def read_head(session: Session) -> Head | None:
    """The head; None when there is none."""
    columns = (cast(col(column), LargeBinary) for column in (AuditHead.count, AuditHead.last, AuditHead.mac))
    wanted = select(*columns, cast(col(AuditHead.seal), LargeBinary)).where(AuditHead.id == 1)  # type: ignore[call-overload]
    row = session.execute(wanted).first()
    return Head(*map(readable, row)) if row else None


def write_head(session: Session, keys: ChainKeys, count: int, last: int, mac: str) -> None:
    """Write the head over the one that is there."""
    values = {"count": count, "last": last, "mac": mac, "seal": keys.head_mac(count, last, mac)}
    changed = session.execute(update(AuditHead).where(col(AuditHead.id) == 1).values(values))
    if not changed.rowcount:  # type: ignore[attr-defined]
        session.execute(insert(AuditHead).values(id=1, **values))


def readable(value: bytes | None) -> str:
    """Text as it stands in the database, also where it is none."""
    return (value or b"").decode("utf-8", "backslashreplace")


def same(one: str, other: str) -> bool:
    """Whether two MACs are the same."""
    return hmac.compare_digest(one.encode(), other.encode())


def _chain_earlier(session: Session, keys: ChainKeys) -> None:
    """Chain the events that were written before there was a chain."""
    count, last, mac = 0, 0, ""
    batch: list[dict[str, Any]] = []
    for line in lines(session):
        previous, last, count = mac, line.id, count + 1
        mac = keys.line_mac(line.fields | {"number": line.id, "previous": previous})
        batch.append({"id": line.id, "number": line.id, "previous": previous, "mac": mac})
        if len(batch) == _BATCH:
            session.execute(update(Event), batch)
            batch = []
    if batch:
        session.execute(update(Event), batch)
    write_head(session, keys, count, last, mac)


def _of_program(action: str, outcome: str = "done", **details: Any) -> Event:
    return Event(actor=PROGRAM.name, via=PROGRAM.via, action=action, subject=SUBJECT, outcome=outcome, details=details)


def _count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Event)).one()


def _key_row(session: Session) -> AuditKey | None:
    return session.exec(select(AuditKey).order_by(col(AuditKey.created)).limit(1)).first()


def _keys(key: bytes) -> ChainKeys:
    return ChainKeys(line=_derived(key, b"onboarding audit line v1"), head=_derived(key, b"onboarding audit head v1"))


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(key)


def _mac(key: bytes, content: bytes) -> str:
    mac = HMAC(key, hashes.SHA256())
    mac.update(content)
    return mac.finalize().hex()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _stored_moment(text: str) -> datetime:
    """A time as the database keeps it: UTC, written one way."""
    return datetime.strptime(text, _STORED).replace(tzinfo=UTC)


def _read(how: Any, text: str) -> Any:
    try:
        return how(text)
    except (ValueError, OverflowError, RecursionError):
        return text
