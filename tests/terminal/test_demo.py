"""`onboarding demo record`: what it refuses."""

import os
from pathlib import Path

from core.cli.demo import errors_in


def test_a_folder_that_is_used_is_2(onboarding, tmp_path: Path) -> None:
    (tmp_path / "mine.png").touch()
    done = onboarding("demo", "record", str(tmp_path))
    assert (done.returncode, done.stderr) == (
        2,
        f"FOLDER: {tmp_path} is not empty. Name another one, or empty it.\n",
    )
    used = onboarding("demo", "record", str(tmp_path / "new"), "--home", str(tmp_path))
    assert used.returncode == 2 and used.stderr.startswith("--home: ")
    assert (tmp_path / "mine.png").exists()


def test_without_chromium_it_says_what_to_install(prepared, tmp_path: Path) -> None:
    done = prepared(["demo", "record", str(tmp_path / "new")], os.environ | {"PATH": str(tmp_path)})
    assert done.returncode == 3
    assert "Install Chromium" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_an_error_in_a_log_is_found(tmp_path: Path) -> None:
    log = tmp_path / "dashboard.log"
    log.write_text("2026-11-25 07:00:00 INFO core ERROR-free\n")
    assert errors_in(tmp_path) == []
    log.write_text(log.read_text() + "2026-11-25 07:00:01 ERROR core it broke\nTraceback (most recent call last):\n")
    assert len(errors_in(tmp_path)) == 2
