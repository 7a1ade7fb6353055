"""How a process that reads bills starts and uses the machine. It stands alone: Polars reads its settings when it is
imported, and the process loads this before all."""

import importlib
import os
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType


class _Process(ForkServerProcess):
    def start(self) -> None:
        program, blank = sys.modules["__main__"], ModuleType("__main__")
        sys.modules["__main__"] = blank  # multiprocessing has the child load what it finds here
        try:
            super().start()
        finally:
            if sys.modules["__main__"] is blank:  # a screen that begins meanwhile puts its own there
                sys.modules["__main__"] = program


class ReaderContext(ForkServerContext):
    """Processes that load what their work needs, and not the program that starts them: in the dashboard that would be
    all of Streamlit, or the script of the screen that is being drawn."""

    Process = _Process


def begin(processes: int) -> None:
    """What each of so many processes does first: the first file need not wait for Polars."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    share_cores(processes)
    importlib.import_module("core.services.bill_reading")


def _end_with_parent() -> None:
    """A process that is killed cannot tell its workers to end, and they would wait for work for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def share_cores(processes: int) -> None:
    """Give this process its part of the machine's cores, of so many processes. Two that each take all cores would only
    wait for each other, with twice the memory."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    # Its own choice of how much text is read at once takes three times the memory, and a third longer.
    os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(1 << 20))
