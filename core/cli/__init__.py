"""The `onboarding` command: the same services as the screens, from a terminal."""

import gc

# What is loaded stays: looking through it for garbage meanwhile took a quarter of the command's start.
gc.disable()

from core.cli.app import main  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["main"]
