"""Where the master keys come from: a file, the environment, or a command of any secret manager."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import Literal

from core.settings import Settings
from core.vault.master_key import FILE_NAME, KeyRing, VaultError, read_key_file, read_ring

COMMAND_SECONDS = 30.0
VARIABLE = "ONBOARDING_MASTER_KEY"
COMMAND_VARIABLE = "ONBOARDING_MASTER_KEY_COMMAND"

SourceKind = Literal["file", "environment", "command"]


@dataclass(frozen=True)
class KeySource:
    """The source that the settings name. It can be asked again at any time: a ring changes while the program runs."""

    settings: Settings

    @property
    def kind(self) -> SourceKind:
        """Which of the three it is.

        Raises VaultError when two are set: nobody could tell which keys count."""
        if self.settings.master_key is not None and self.settings.master_key_command is not None:
            raise VaultError(f"{VARIABLE} and {COMMAND_VARIABLE} are both set. Take one of them away.")
        if self.settings.master_key is not None:
            return "environment"
        return "command" if self.settings.master_key_command is not None else "file"

    @property
    def where(self) -> str:
        """The place to look at, in the user's words."""
        places = {
            "file": str(self.settings.home / FILE_NAME),
            "environment": VARIABLE,
            "command": f"what the command of {COMMAND_VARIABLE} prints",
        }
        return places[self.kind]

    def read(self) -> KeyRing | None:
        """The ring as it is now; None when it would be in a file that does not exist.

        Raises VaultError when it cannot be had or is malformed."""
        kind = self.kind
        if kind == "environment" and self.settings.master_key is not None:
            return read_ring(_parts(self.settings.master_key.get_secret_value()), self.where)
        if kind == "command":
            return read_ring(_parts(_printed(self.settings.master_key_command or "")), self.where)
        return read_key_file(self.settings.home)


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,]+", text) if part]


def _printed(command: str) -> str:
    """What the command prints. Its error output is thrown away: nobody knows what a secret manager says there."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise VaultError(f"{COMMAND_VARIABLE} is not a command. Write it as in a shell: PROGRAM ARGUMENT ….")
    said = f"The command of {COMMAND_VARIABLE} ({words[0]})"
    mend = "Run it by hand and look; nothing was changed."
    try:
        done = subprocess.run(  # noqa: S603 - the administrator's own command, without a shell # nosec B603
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise VaultError(f"{said} did not end within {COMMAND_SECONDS:.0f} seconds. {mend}") from None
    except OSError as error:
        raise VaultError(f"{said} cannot be run: {error.strerror}. {mend}") from None
    except ValueError:  # a zero byte in a word
        raise VaultError(f"{said} cannot be run. {mend}") from None
    if done.returncode:
        raise VaultError(f"{said} ended with exit code {done.returncode}. {mend}")
    return done.stdout.decode("ascii", errors="replace")
