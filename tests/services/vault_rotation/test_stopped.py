"""A rotation that was stopped, or left by its worker, goes on."""

import threading
from datetime import timedelta
from typing import Any

from sqlmodel import select

from core.services.vault_check import vault_status
from core.services.vault_rotation import rotate_vault
from core.settings import Settings
from core.store.columns import new_id, now
from core.store.tables.vault import VaultRotation
from core.vault.master_key import read_key_file
from tests.services.conftest import ACTOR
from tests.services.vault_rotation.rotations import Opened, done
from tests.services.vaults import OWN, filled, keep, secrets


def test_progress_is_told(settings: Settings, opened: Opened) -> None:
    filled(settings, 600)
    told: list[tuple[int, int]] = []
    done(opened(), progress=lambda at, total: told.append((at, total)))
    assert told[0] == (0, 600 + len(OWN))
    assert told[-1] == (600 + len(OWN), 600 + len(OWN))
    assert [at for at, _ in told] == sorted(at for at, _ in told)


def test_a_stopped_rotation_goes_on(settings: Settings, opened: Opened) -> None:
    filled(settings, 600)
    stop = threading.Event()
    first = rotate_vault(ACTOR, opened(), stop=stop, progress=lambda at, total: stop.set() if at > len(OWN) else None)
    assert not first.done
    assert first.problem and "Stopped" in first.problem.what
    assert 0 < first.sealed < 600
    ring = read_key_file(settings.home)
    assert ring and len(ring.keys) == 2
    assert len(secrets(settings)) == 600
    status = vault_status(ACTOR, opened())
    assert status.rotating
    assert [one.values for one in status.data_keys] == [first.sealed, 600 + len(OWN) - first.sealed]
    second = done(opened())
    assert (second.master_key, second.data_key) == (first.master_key, first.data_key)
    assert second.sealed == 600 + len(OWN) - first.sealed
    assert len(secrets(settings)) == 600


def test_while_one_rotates_another_is_told_who(settings: Settings, opened: Opened) -> None:
    filled(settings, 300)
    other, found = opened(), []

    def try_too(at: int, total: int) -> None:
        if at > len(OWN) and not found:
            found.append(rotate_vault(ACTOR.model_copy(update={"name": "ben"}), other))

    done(opened(), progress=try_too)
    assert not found[0].done
    assert "tester is rotating the keys since" in found[0].problem.what
    assert f"values sealed again so far: {250 + len(OWN)}." in found[0].problem.what
    assert len(secrets(settings)) == 300


def test_of_many_at_once_each_is_done_or_told_who(settings: Settings, opened: Opened) -> None:
    filled(settings, 1000)
    workspaces, found = [opened() for _ in range(4)], []
    threads = [
        threading.Thread(target=lambda workspace: found.append(rotate_vault(ACTOR, workspace)), args=(workspace,))
        for workspace in workspaces
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert any(one.done for one in found)
    assert all(one.done or "is rotating the keys" in one.problem.what for one in found)
    ring = read_key_file(settings.home)
    assert ring and len(ring.keys) == 1
    assert len(secrets(settings)) == 1000


def _left_by(settings: Settings, opened: Opened, **worker: Any) -> None:
    """Leave a rotation that somebody is at, as a process does that was killed."""
    workspace, stop = opened(), threading.Event()
    stop.set()
    keep(workspace, new_id())
    rotate_vault(ACTOR, workspace, stop=stop)
    with workspace.store.writing() as session:
        row = session.exec(select(VaultRotation)).one()
        until = worker.pop("until")
        row.worker = {"token": "x", "actor": "anna", "host": "elsewhere", "pid": 1, "started": 0.0} | worker
        row.worker_until = until
        session.add(row)


def test_a_worker_elsewhere_keeps_others_off_until_its_time_is_over(settings: Settings, opened: Opened) -> None:
    _left_by(settings, opened, until=now() + timedelta(seconds=20))
    found = rotate_vault(ACTOR, opened())
    assert found.problem and "anna is rotating the keys" in found.problem.what
    with opened().store.writing() as session:
        row = session.exec(select(VaultRotation)).one()
        row.worker_until = now() - timedelta(seconds=1)
        session.add(row)
    done(opened())


def test_a_worker_of_this_computer_that_is_gone_keeps_nobody_off(settings: Settings, opened: Opened) -> None:
    import socket

    _left_by(settings, opened, host=socket.gethostname(), pid=1, started=1.0, until=now() + timedelta(hours=1))
    done(opened())


def test_who_was_taken_for_dead_does_not_go_on(settings: Settings, opened: Opened) -> None:
    filled(settings, 600)
    other, second = opened(), []

    def take_over(at: int, total: int) -> None:
        if at > len(OWN) and not second:
            with other.store.writing() as session:
                row = session.exec(select(VaultRotation)).one()
                row.worker_until = now() - timedelta(seconds=1)
                session.add(row)
            second.append(done(other))

    found = rotate_vault(ACTOR, opened(), progress=take_over)
    assert not found.done
    assert found.problem and "Somebody took over this rotation" in found.problem.what
    assert second[0].done
    assert len(secrets(settings)) == 600
