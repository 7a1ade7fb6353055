"""The `onboarding` command as a process of its own, in front of a home of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Settings

COMMAND = Path(sys.executable).with_name("onboarding")


@pytest.fixture
def onboarding(settings: Settings):
    """Run the command in front of this test's home; gives the finished process."""

    def run(*arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "ONBOARDING_HOME": str(settings.home),
            "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
        }
        return subprocess.run(
            [COMMAND, *arguments],
            capture_output=True,
            text=True,
            input=input,
            env=environment,
            timeout=60,
            check=False,
        )

    return run
