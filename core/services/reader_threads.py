"""How a process that reads bills starts and uses the machine. It stands alone: Polars reads its settings when it is
imported, and the process loads this before all."""

import importlib
import os
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType


class _Process(ForkServerProcess):
    def start(self) -> None:
        program = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")  # multiprocessing has the child load what it finds here
        try:
            super().start()
        finally:
            sys.modules["__main__"] = program


class ReaderContext(ForkServerContext):
    """Processes that load what their work needs, and not the program that starts them: in the dashboard that would be
    all of Streamlit, or the script of the screen that is being drawn."""

    Process = _Process


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
