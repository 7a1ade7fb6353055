"""Master keys from the environment and from a command; what is wrong is one line that holds none of them."""

import base64
import shlex
import sys
import time
from pathlib import Path

import pytest

from core.settings import Settings
from core.vault import key_source
from core.vault.key_source import KeySource
from core.vault.master_key import KeyRing, MasterKey, VaultError

OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
TEXTS = [base64.b64encode(one.key).decode() for one in (NEW, OLD)]


def _python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def _source(home: Path, command: str | None = None, text: str | None = None) -> KeySource:
    return KeySource(Settings(home=home, master_key=text, master_key_command=command))


def _refused(source: KeySource) -> str:
    with pytest.raises(VaultError) as caught:
        source.read()
    said = str(caught.value)
    assert "\n" not in said
    assert not any(text[:8] in said for text in (*TEXTS, "TOPSECRET"))
    return said


@pytest.mark.parametrize("between", [",", " ", ", ", "\n", " ,\n "])
def test_several_keys_stand_in_the_environment_the_newest_first(tmp_path: Path, between: str) -> None:
    source = _source(tmp_path, text=between.join(TEXTS))
    assert source.kind == "environment"
    assert source.read() == KeyRing((NEW, OLD))


def test_a_key_that_comes_twice_counts_once(tmp_path: Path) -> None:
    assert _source(tmp_path, text=",".join([TEXTS[0], *TEXTS])).read() == KeyRing((NEW, OLD))


def test_a_command_prints_the_keys(tmp_path: Path) -> None:
    source = _source(tmp_path, _python(f"print({TEXTS[0]!r}); print({TEXTS[1]!r})"))
    assert source.kind == "command"
    assert source.read() == KeyRing((NEW, OLD))
    assert list(tmp_path.iterdir()) == []


def test_a_command_is_asked_each_time(tmp_path: Path) -> None:
    file = tmp_path / "kept elsewhere"
    file.write_text(TEXTS[1])
    source = _source(tmp_path, shlex.join(["cat", str(file)]))
    assert source.read() == KeyRing((OLD,))
    file.write_text("\n".join(TEXTS))
    assert source.read() == KeyRing((NEW, OLD))


def test_a_command_goes_through_no_shell(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert "is not 32 bytes" in _refused(_source(tmp_path, f"echo TOPSECRET; touch {made}"))
    assert not made.exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "is not a command"),
        ("'", "is not a command"),
        ("/no/such/program get", r"(/no/such/program) cannot be run: No such file"),
        (_python("print('TOPSECRET'); import sys; sys.exit('TOPSECRET')"), "ended with exit code 1"),
        (_python("import os; os.kill(os.getpid(), 9)"), "ended with exit code -9"),
        (_python(""), "is not 32 bytes"),
        (_python("print('TOPSECRET')"), "is not 32 bytes"),
        (_python("import sys; sys.stdout.buffer.write(bytes(range(256)))"), "is not 32 bytes"),
    ],
)
def test_a_command_that_gives_no_key_is_one_line(tmp_path: Path, command: str, said: str) -> None:
    found = _refused(_source(tmp_path, command))
    assert "ONBOARDING_MASTER_KEY_COMMAND" in found
    assert said in found


def test_what_a_command_says_on_its_error_output_is_seen_nowhere(tmp_path: Path, capfd) -> None:
    source = _source(tmp_path, _python(f"import sys; print('TOPSECRET', file=sys.stderr); print({TEXTS[0]!r})"))
    assert source.read() == KeyRing((NEW,))
    assert capfd.readouterr() == ("", "")


def test_a_command_that_waits_for_something_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_source, "COMMAND_SECONDS", 0.3)
    since = time.monotonic()
    assert "did not end within" in _refused(_source(tmp_path, "sleep 60"))
    assert time.monotonic() - since < 30


def test_the_environment_and_a_command_at_once_are_refused(tmp_path: Path) -> None:
    assert "are both set" in _refused(_source(tmp_path, "echo", TEXTS[0]))
