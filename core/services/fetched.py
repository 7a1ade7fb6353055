"""Files that wait in the home folder's `downloads` until the person saves them."""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from core.domain.credentials import FieldProblem
from core.services.workspace import Workspace

KEEP = timedelta(hours=1)
"""How long a fetched file waits to be saved."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched. `path` is a file that whoever asked removes with `drop`; None when nothing is there, and then
    `problem` says why unless it was stopped. `name`: what to call the file; `notes`: what is to be known about single
    objects."""

    path: Path | None = None
    name: str = ""
    size: int = 0
    notes: list[FieldProblem] = field(default_factory=list)
    problem: FieldProblem | None = None
    stopped: bool = False


def downloads_folder(workspace: Workspace) -> Path:
    """Where these files are, once there is one."""
    return workspace.settings.home / "downloads"


def written(workspace: Workspace, name: str, write: Callable[[Path], FieldProblem | None]) -> Fetched:
    """A file to be saved as `name` that `write` writes, or what it says kept it from that. No file is left when it says
    so or raises.

    Raises OSError when the folder takes no file, and what `write` raises."""
    folder = downloads_folder(workspace)
    folder.mkdir(mode=0o700, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder)
    os.close(handle)
    path, kept = Path(draft), False
    try:
        if problem := write(path):
            return Fetched(problem=problem)
        fetched = Fetched(path, name, path.stat().st_size)
        kept = True
    finally:
        if not kept:
            path.unlink(missing_ok=True)
    return fetched


def drop(fetched: Fetched) -> None:
    """Remove the file of what was fetched."""
    if fetched.path:
        fetched.path.unlink(missing_ok=True)


def clear(workspace: Workspace) -> None:
    """Remove fetched files that nobody saved in time; a killed process may have left them."""
    oldest = time.time() - KEEP.total_seconds()
    for path in downloads_folder(workspace).glob("*"):
        with suppress(FileNotFoundError):  # another process removes them too
            if path.stat().st_mtime < oldest:
                path.unlink()
