"""Where the secret of a new access key goes: into a new file, or it stays sealed here."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.cli.credentials import REFUSED
from core.cli.input import BAD_INPUT
from core.cli.output import fail
from core.domain.actor import Actor
from core.outscale.models import CreatedAccessKey
from core.services import key_intents
from core.services.key_files import key_csv, key_profile
from core.services.workspace import Workspace


class Form(StrEnum):
    """What a file with a new key looks like."""

    csv = "csv"
    osc = "osc"


Out = Annotated[Path | None, typer.Option(help="New file for the secret, mode 0600.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the secret sealed here.")]
FileForm = Annotated[Form, typer.Option("--format", help="csv, or osc: a profile for ~/.osc/config.json.")]


def place_for_secret(out: Path | None, keep: bool) -> None:
    """Look before a key is made whether its secret can go where it was asked for; ends the command if not."""
    if out is None and not keep:
        fail("Say where the secret goes: --out FILE, or --keep to keep it sealed here.", BAD_INPUT)
    if out is not None and out.exists():
        fail(f"{out} exists. Name a new file.", BAD_INPUT)


def hand_over(
    actor: Actor,
    workspace: Workspace,
    intent: str,
    key: CreatedAccessKey,
    account_id: str,
    region: str,
    out: Path | None,
    form: Form,
    keep: bool,
) -> None:
    """Write the secret where it was asked for; only then it waits no longer."""
    if out is not None:
        text = key_csv(key, account_id, region) if form is Form.csv else key_profile(workspace, key, region)
        try:
            with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        except OSError as error:
            fail(
                f"{key.access_key_id} exists, but {out} cannot be written: {error.strerror}. Its secret waits here; "
                f"take it with: onboarding keys take {intent} --out FILE",
                REFUSED,
            )
    key_intents.take(actor, workspace, intent, account_id=account_id, sealed=keep, created=key)
