"""New keys for everything that is sealed, while the program runs.

    new keys ──► seal again ──► drop the old data keys ──► forget the old master keys

Each step is safe to be the last. A value is always under a data key that is stored, and a stored data key under a
master key that is at hand; so whoever stops, or is killed, leaves a program that works and a rotation that goes on."""

import os
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psutil
from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services.audit_chain import mark_of_next, open_keys
from core.services.data_keys import add_key, drop_other_keys, stored_keys
from core.services.rights import use_case
from core.services.sealed_places import SealedColumn, SealedValue, sealed_columns
from core.services.use_case import changing
from core.services.vault_check import Progress, Unopened, not_opened
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.store import StoreError
from core.store.tables.vault import VaultRotation
from core.vault.key_source import KeySource, SourceKind
from core.vault.master_key import KeyRing, VaultError, replace_key_file
from core.vault.vault import new_data_key

LEASE = timedelta(seconds=30)
"""How long a process that is not heard of keeps others off, when it cannot be looked for: on another computer."""


@dataclass(frozen=True)
class Rotated:
    """What a rotation came to. `source`: where the master keys come from. `old_master_keys`: ids of those that this
    database needs no more. `broken`: values that do not open. `problem`: what keeps it from its end."""

    source: SourceKind
    done: bool = False
    master_key: str = ""
    data_key: str = ""
    old_master_keys: list[str] = field(default_factory=list)
    sealed: int = 0
    broken: list[Unopened] = field(default_factory=list)
    problem: FieldProblem | None = None


class _Stuck(Exception):  # noqa: N818 - no error, an answer
    """What cannot be done now, and why."""

    def __init__(self, what: str, mend: str) -> None:
        self.problem = FieldProblem(field="form", what=what, mend=mend)
        super().__init__(what)


@use_case
def rotate_vault(
    actor: Actor,
    workspace: Workspace,
    *,
    leave_broken: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Rotated:
    """Make a new master key and a new data key, seal every value again under them, and forget the old ones; or go on
    with a rotation that was begun and stopped. From the environment or a command, the new master key must have been
    put before the old one. Values that do not open keep the old keys, unless `leave_broken` gives those values up.

    Raises StoreError when the store refuses, VaultError when the master keys cannot be had or written. Then, too, it
    goes on with the next call."""
    work = _Work(actor, workspace, progress or (lambda done, total: None), stop or threading.Event())
    try:
        work.claim()
    except _Stuck as stuck:
        return work.outcome(problem=stuck.problem)
    try:
        broken = work.seal_all(leave_broken=leave_broken)
        old = work.forget_master_keys()
        return work.outcome(done=True, old_master_keys=old, broken=broken)
    except _Stuck as stuck:
        return work.outcome(problem=stuck.problem, broken=work.broken)
    finally:
        work.release()


class _Work:
    """One process's part of a rotation."""

    def __init__(self, actor: Actor, workspace: Workspace, progress: Progress, stop: threading.Event) -> None:
        self._actor, self._workspace, self._progress, self._stop = actor, workspace, progress, stop
        self._source = KeySource(workspace.settings)
        self._worker = _this_process(actor)
        self._id = self._master = self._data_key = ""
        self._done = 0
        self.broken: list[Unopened] = []

    def outcome(self, **found: Any) -> Rotated:
        """What it came to."""
        return Rotated(
            source=self._source.kind, master_key=self._master, data_key=self._data_key, sealed=self._done, **found
        )

    def claim(self) -> None:
        """Begin a rotation, or take the one that was begun, and make its keys if they are not there yet.

        Raises _Stuck when another process is at it, or when the source holds no new master key; VaultError when the key
        of the audit trail does not open. That one is never given up: nothing could be recorded any more."""
        open_keys(self._workspace.store, self._workspace.vault)  # as it is stored now, not as it was read before
        ring = self._source.read()  # a command takes its time, so not while the store is locked
        with changing(self._actor, self._workspace, "vault.rotate") as change:
            row = change.session.exec(select(VaultRotation).where(col(VaultRotation.ended).is_(None))).first()
            goes_on = row is not None
            if row is None:
                key = new_data_key(self._new_ring(change.session, ring).current, mark_of_next(change.session))
                add_key(change.session, key)
                row = VaultRotation(actor=self._actor.name, master_key_id=key.master_key_id, data_key_id=key.id)
            if _is_busy(row):
                raise _busy(row)
            row.worker, row.worker_until = self._worker, now() + LEASE
            change.session.add(row)
            change.record(row.master_key_id, data_key=row.data_key_id, goes_on=goes_on)
        self._id, self._master, self._data_key = row.id, row.master_key_id, row.data_key_id

    def _new_ring(self, session: Session, ring: KeyRing | None) -> KeyRing:
        """A ring whose newest key wraps nothing yet. The transaction holds the write lock, so no other process of this
        database writes the ring's file now. Killed after that, the ring holds a key that nothing needs yet; the next
        call takes it."""
        if self._source.kind == "file":
            ring = self._source.read()
        if ring is None:
            raise VaultError(f"The master key is missing in {self._source.where}; nothing was changed.")
        if ring.current.id not in {key.master_key_id for key in stored_keys(session)}:
            return ring
        if self._source.kind != "file":
            raise _Stuck(
                f"The newest master key of {self._source.where}, {ring.current.id}, is the one in use already.",
                "Put a new one before it, 32 random bytes in base64 with a comma between, let every running part of "
                "the program start again with both, then rotate.",
            )
        ring = ring.with_new_key()
        replace_key_file(self._workspace.settings.home, ring)
        return ring

    def seal_all(self, *, leave_broken: bool) -> list[Unopened]:
        """Seal all values under the new data key, then drop the others. Returns the values that were given up.

        Raises _Stuck when some do not open, when somebody took over, or when it was stopped."""
        while True:
            self._pass()
            if self.broken and not leave_broken:
                raise _Stuck(
                    f"{len(self.broken)} of the sealed values do not open, so the old keys stay.",
                    "Enter these secrets again or delete their rows, then rotate once more; or give them up with "
                    "--leave-broken.",
                )
            with changing(self._actor, self._workspace, "vault.sealed") as change:
                self._mine(change.session)
                left = {
                    (column.table.name, row, column.field)
                    for column in sealed_columns()
                    for row in column.rows(change.session, but_under=self._data_key)
                }
                if left - {(one.table, one.row, one.field) for one in self.broken}:
                    continue  # an older version of the program may have written meanwhile
                dropped = drop_other_keys(change.session, self._data_key)
                change.record(self._master, data_key=self._data_key, dropped=dropped, broken=len(self.broken))
                return self.broken

    def _pass(self) -> None:
        self.broken = []
        with self._workspace.store.reading() as session:
            self._workspace.vault.renew(stored_keys(session))
            total = sum(column.count(session, but_under=self._data_key) for column in sealed_columns())
        seen = 0
        self._progress(seen, total)
        for column in sealed_columns():
            for batch in column.batches(self._workspace.store, but_under=self._data_key):
                if self._stop.is_set():
                    raise _Stuck("Stopped. Everything opens, under the old keys and the new ones.", "Rotate to go on.")
                self._seal(column, batch)
                seen += len(batch)
                self._progress(seen, max(seen, total))

    def _seal(self, column: SealedColumn, batch: list[SealedValue]) -> None:
        anew = []
        for value in batch:
            try:
                text = self._workspace.vault.seal_again(value.text, column.place(value.row))
                anew.append({"row": value.row, "text": value.text, "anew": text})
            except VaultError as error:
                self.broken.append(not_opened(column, value, error))
        # Not through the row's class: this is no edit. What somebody wrote meanwhile is under the new key and stays.
        unchanged = (column.key == bindparam("row"), column.column == bindparam("text"))
        write = update(column.table).where(*unchanged).values({column.column: bindparam("anew")})
        with self._workspace.store.writing() as session:
            row = self._mine(session)
            done = session.connection().execute(write, anew).rowcount if anew else 0
            row.sealed += done
            row.worker_until = now() + LEASE
            session.add(row)
        self._done += done

    def forget_master_keys(self) -> list[str]:
        """Take the master keys that wrap no data key any more out of the file, and end the rotation. Returns their
        ids, also of those that somebody has to take out of the environment or a secret manager.

        Raises _Stuck when somebody took over, VaultError when the file cannot be written."""
        with self._workspace.store.writing(durable=True) as session:
            # A power failure must not bring back a data key whose master key is gone.
            self._mine(session).worker_until = now() + LEASE
        ring = self._source.read()
        with changing(self._actor, self._workspace, "vault.rotated") as change:
            row = self._mine(change.session)
            if self._source.kind == "file":
                ring = self._source.read()
            if ring is None:
                raise VaultError(f"The master key vanished from {self._source.where}. Put it back, then rotate again.")
            needed = ring.only({key.master_key_id for key in stored_keys(change.session)})
            old = [id for id in ring.ids if id not in needed.ids]
            if old and self._source.kind == "file":
                replace_key_file(self._workspace.settings.home, needed)
            row.ended = now()
            row.worker = row.worker_until = None
            change.session.add(row)
            change.record(self._master, data_key=self._data_key, old=old, source=self._source.kind, sealed=row.sealed)
        return old

    def release(self) -> None:
        """Let others at it at once."""
        with suppress(StoreError), self._workspace.store.writing() as session:
            row = session.get(VaultRotation, self._id)
            if row and row.worker == self._worker:
                row.worker = row.worker_until = None
                session.add(row)

    def _mine(self, session: Session) -> VaultRotation:
        row = session.get_one(VaultRotation, self._id)
        if row.worker != self._worker:
            who = (row.worker or {}).get("actor", "Somebody")
            raise _Stuck(f"{who} took over this rotation.", "Rotate again to see how far it is.")
        return row


def _this_process(actor: Actor) -> dict[str, Any]:
    return {
        "token": secrets.token_hex(8),
        "actor": actor.name,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
    }


def _is_busy(row: VaultRotation) -> bool:
    """Whether a process is at it that may be alive: one of this computer is looked for, another has its lease."""
    worker = row.worker
    if not worker or not row.worker_until or row.worker_until <= now():
        return False
    if worker["host"] != socket.gethostname():
        return True
    try:
        return bool(abs(psutil.Process(worker["pid"]).create_time() - worker["started"]) < 1)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _busy(row: VaultRotation) -> _Stuck:
    worker = row.worker or {}
    return _Stuck(
        f"{worker.get('actor')} is rotating the keys since {row.begun:%Y-%m-%d %H:%M} UTC, in process "
        f"{worker.get('pid')} on {worker.get('host')}: values sealed again so far: {row.sealed}.",
        f"Wait until it is done. If that process is gone, rotate again in {LEASE.seconds} seconds.",
    )
