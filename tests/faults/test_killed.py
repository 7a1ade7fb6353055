"""Nothing is lost and nothing is orphaned, wherever the process is killed."""

import json
import subprocess
import sys

import pytest

from core.settings import Settings


def rounds(kind: str, settings: Settings) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed", kind, str(settings.home)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("kind", "points", "calls"),
    [
        ("create", 9, {"CreateAccessKey"}),
        ("rotate", 30, {"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"}),
        ("keypair", 8, {"CreateKeypair"}),
    ],
)
@pytest.mark.timeout(300)
def test_a_kill_at_any_boundary_loses_nothing(settings: Settings, kind: str, points: int, calls: set[str]) -> None:
    found = rounds(kind, settings)
    assert [one for one in found if one["after"] or one["mended"]] == []
    names = {one["name"] for one in found}
    assert len(found) > points
    assert {f"{moment} {call}" for moment in ("before", "after") for call in calls} <= names
    assert {"before a commit", "after a commit", "the end"} <= names
