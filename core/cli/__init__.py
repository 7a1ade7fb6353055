"""The `onboarding` command: the same services as the screens, from a terminal."""

from core.cli.app import main

__all__ = ["main"]
