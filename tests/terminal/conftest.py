"""The `onboarding` command in front of a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.settings import Settings

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("onboarding")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Iterator[Run]:
    """Run the command with these arguments, this environment and this input, each in a process of its own; gives the
    finished process."""
    folder = tmp_path_factory.mktemp("command")
    streams = {name: folder / name for name in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.terminal.prepared"], cwd=ROOT, stdin=-1, stdout=-1, text=True, bufsize=1
    ) as process:

        def run(
            arguments: list[str], environment: dict[str, str], given: str | None = None
        ) -> "subprocess.CompletedProcess[str]":
            streams["stdin"].write_text(given or "")
            for name in ("stdout", "stderr"):
                streams[name].unlink(missing_ok=True)
            files = {name: str(path) for name, path in streams.items()}
            process.stdin.write(json.dumps({"arguments": arguments, "environment": environment, **files}) + "\n")
            code = int(process.stdout.readline())
            return subprocess.CompletedProcess(
                arguments, code, streams["stdout"].read_text(), streams["stderr"].read_text()
            )

        yield run
        process.stdin.close()


@pytest.fixture
def onboarding(settings: Settings, prepared: Run):
    """Run the command in front of this test's home; gives the finished process."""

    def run(*arguments: str, input: str | None = None) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {
            "ONBOARDING_HOME": str(settings.home),
            "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
        }
        return prepared(list(arguments), environment, input)

    return run
