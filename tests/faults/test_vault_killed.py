"""A rotation of the vault's keys that is killed loses no secret, and the next one finishes it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SECRETS, POINTS = 10_000, 20


@pytest.mark.timeout(600)
def test_a_kill_at_any_point_of_a_rotation_loses_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_vault", str(tmp_path), str(SECRETS), str(POINTS)],
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one for one in found if one["after"] or one["mended"]] == []
    assert all(one["killed"] for one in found)
    assert len({one["point"] for one in found}) == POINTS
    assert {one["name"] for one in found} == {
        "before a commit",
        "after a commit",
        "before the ring is written",
        "after the ring is written",
    }
