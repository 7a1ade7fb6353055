"""Rotates the keys of a home with many secrets again and again, each time killed with SIGKILL at another point, and
says what was broken.

    python -m tests.faults.killed_vault FOLDER COUNT POINTS

A point is the moment before or after a commit, or before or after the file of the master keys is written. The work runs
in a fork of this process, in front of a copy of the home, so that nothing else outlives the kill. Prints one JSON
object a point: its name, what does not open after the kill, and what is wrong after a second run."""

import json
import shutil
import sys
from pathlib import Path

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import vault_rotation
from core.services.audit import verify_trail
from core.services.vault_check import check_vault, vault_status
from core.services.vault_rotation import rotate_vault
from core.services.workspace import open_workspace
from core.settings import Settings
from core.vault.master_key import KeyRing
from tests.faults.killing import Here, killed_at
from tests.services.vaults import copied, filled, home, secrets

ANNA, BEN = (Actor(name=name, via="test", role=Role.ADMINISTRATOR) for name in ("anna", "ben"))


def main(folder: Path, count: int, points: int) -> None:
    """Find out how many points there are, then kill at so many of them: the first, the last, and some between."""
    template = filled(home(folder / "home"), count)
    expected = secrets(template)
    whole = copied(template, folder / "whole")
    _, names = killed_at(0, lambda: rotate(whole), mark_rings)
    last = len(names)
    first, final = points * 3 // 10, points // 2
    between = points - first - final
    steps = [first + round((last - first - final) * (step + 1) / (between + 1)) for step in range(between)]
    for point in [*range(1, first + 1), *steps, *range(last - final + 1, last + 1)]:
        settings = copied(template, folder / "copy")
        killed, names = killed_at(point, lambda settings=settings: rotate(settings), mark_rings)
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


def mark_rings(here: Here) -> None:
    """Points before and after the file of the master keys is written."""
    replace = vault_rotation.replace_key_file

    def replacing(folder: Path, ring: KeyRing) -> None:
        here("before the ring is written")
        replace(folder, ring)
        here("after the ring is written")

    vault_rotation.replace_key_file = replacing


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
