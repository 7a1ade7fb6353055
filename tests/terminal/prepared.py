"""The command, loaded once and forked for each run: what a test asks is what the command does, and loading it takes
most of a second.

    python -m tests.terminal.prepared

Each line of the input is a run, as JSON: `arguments`, `environment`, and the files `stdin`, `stdout` and `stderr`.
Each line of the output is its exit code."""

import json
import os
import signal
import sys

from core.cli import main

_SECONDS = 60


def serve() -> None:
    """Run what is asked for until the input ends."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(json.loads(line))
            sys.exit(main())
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(run: dict) -> None:
    signal.alarm(_SECONDS)
    os.environ.clear()
    os.environ.update(run["environment"])
    for number, (name, flags) in enumerate(
        {"stdin": os.O_RDONLY, "stdout": os.O_WRONLY | os.O_CREAT, "stderr": os.O_WRONLY | os.O_CREAT}.items()
    ):
        os.dup2(os.open(run[name], flags, 0o600), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the old one holds the next runs
    sys.argv = ["onboarding", *run["arguments"]]


if __name__ == "__main__":
    serve()
