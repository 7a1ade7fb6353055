"""Files that are on the disk for good, also when the power fails a moment later."""

import os
import tempfile
from pathlib import Path


def write_draft(folder: Path, prefix: str, content: bytes) -> Path:
    """Write a new file that only its owner may read (mode 0600), under a name of its own that begins with `prefix`:
    whole, and to take its place by a rename or a link.

    Raises OSError when the disk does not take it; no file is left then."""
    handle, name = tempfile.mkstemp(prefix=prefix, dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder last as its files do.

    Raises OSError when the disk does not take it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
