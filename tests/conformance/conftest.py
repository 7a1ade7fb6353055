"""Official clients, unchanged, as their users run them: real processes or their own classes, in a bare environment."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sandbox


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment without anything of this machine's, with a home folder of its own; also this process's."""
    for name in list(os.environ):
        if name.startswith(("OSC_", "AWS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return dict(os.environ)


@pytest.fixture
def account(sandbox: Sandbox) -> dict[str, Any]:
    """The first account, with its Region's addresses."""
    account = sandbox.account(0)
    region = sandbox.region(account["region"])
    return account | {"api": region["api"], "oos": region["oos"]} | account["access_keys"][0]
