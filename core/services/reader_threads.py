"""How a process that reads bills uses the machine. It stands alone: Polars reads these settings when it is imported."""

import importlib
import os


def begin(processes: int) -> None:
    """What each of so many processes does first: the first file need not wait for Polars."""
    share_cores(processes)
    importlib.import_module("core.services.bill_reading")


def share_cores(processes: int) -> None:
    """Give this process its part of the machine's cores, of so many processes. Two that each take all cores would only
    wait for each other, with twice the memory."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    # Its own choice of how much text is read at once takes three times the memory, and a third longer.
    os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(1 << 20))
