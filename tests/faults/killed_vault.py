"""Rotates the keys of a home with many secrets again and again, each time killed with SIGKILL at another point, and
says what was broken.

    python -m tests.faults.killed_vault FOLDER COUNT POINTS

A point is the moment before or after a commit, or before or after the file of the master keys is written. The work runs
in a fork of this process, in front of a copy of the home, so that nothing else outlives the kill. Prints one JSON
object a point: its name, what does not open after the kill, and what is wrong after a second run."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import Session

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import vault_rotation
from core.services.audit import verify_trail
from core.services.vault_check import check_vault, vault_status
from core.services.vault_rotation import rotate_vault
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.store import Store
from core.vault.master_key import KeyRing
from tests.services.vaults import copied, filled, home, secrets

ANNA, BEN = (Actor(name=name, via="test", role=Role.ADMINISTRATOR) for name in ("anna", "ben"))


def main(folder: Path, count: int, points: int) -> None:
    """Find out how many points there are, then kill at so many of them: the first, the last, and some between."""
    template = filled(home(folder / "home"), count)
    expected = secrets(template)
    whole = copied(template, folder / "whole")
    _, names = killed_at(0, lambda: rotate(whole))
    last = len(names)
    first, final = points * 3 // 10, points // 2
    between = points - first - final
    steps = [first + round((last - first - final) * (step + 1) / (between + 1)) for step in range(between)]
    for point in [*range(1, first + 1), *steps, *range(last - final + 1, last + 1)]:
        settings = copied(template, folder / "copy")
        killed, names = killed_at(point, lambda settings=settings: rotate(settings))
        after = unopened(settings)
        mended = go_on(settings)
        if not mended and secrets(settings) != expected:
            mended = ["secrets are others than before"]
        said = {"point": point, "of": last, "name": names[-1], "killed": killed, "after": after, "mended": mended}
        print(json.dumps(said), flush=True)
        shutil.rmtree(settings.home)


def rotate(settings: Settings) -> None:
    """The work that is killed."""
    workspace = open_workspace(settings)
    found = rotate_vault(ANNA, workspace)
    assert found.done, found.problem


def go_on(settings: Settings) -> list[str]:
    """What another person does after the kill; what is wrong when it is done."""
    workspace = open_workspace(settings)
    found = rotate_vault(BEN, workspace)
    status = vault_status(BEN, workspace)
    wrong = [str(found.problem)] if found.problem else []
    if len(status.data_keys) != 1 or len(status.master_keys) != 1 or status.rotating:
        wrong.append(f"old keys are left: {status}")
    wrong += [fault.what for fault in verify_trail(BEN, workspace).faults]
    wrong += [f"{path.name} is left" for path in settings.home.glob(".master.key*")]
    workspace.close()
    return wrong


def unopened(settings: Settings) -> list[str]:
    """What does not open, for a process that knows nothing from before."""
    workspace = open_workspace(settings)
    found = check_vault(BEN, workspace)
    workspace.close()
    return [f"{one.name}: {one.why}" for one in found.unopened[:3]]


def killed_at(point: int, work: Callable[[], None]) -> tuple[bool, list[str]]:
    """Run the work in a fork that kills itself at the point of this number (0: never). Gives whether it was killed, and
    the names of the points that it passed."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with points_of_death(point, writer):
            work()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        names = said.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed"
    return os.WIFSIGNALED(status), names


@contextmanager
def points_of_death(point: int, writer: int) -> Iterator[None]:
    """Count points, and die at the one of this number."""
    passed = 0

    def here(name: str) -> None:
        nonlocal passed
        passed += 1
        os.write(writer, f"{name}\n".encode())
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    write, replace = Store.writing, vault_rotation.replace_key_file

    @contextmanager
    def writing(self: Store, *, durable: bool = False) -> Iterator[Session]:
        with write(self, durable=durable) as session:
            yield session
            session.flush()
            here("before a commit")
        here("after a commit")

    def replacing(folder: Path, ring: KeyRing) -> None:
        here("before the ring is written")
        replace(folder, ring)
        here("after the ring is written")

    Store.writing, vault_rotation.replace_key_file = writing, replacing  # type: ignore[method-assign]
    yield


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
