"""A refusal at the terminal."""

import pytest

from core.cli.output import opened
from core.services.use_case import NotAllowedError
from core.settings import Settings


def test_a_refusal_is_one_line_and_exit_1(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONBOARDING_HOME", str(settings.home))
    with pytest.raises(SystemExit) as ended, opened():
        raise NotAllowedError("This is not for the role finance.")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "This is not for the role finance.\n"
