"""One way to show how something stands: a word, with an icon and a colour beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from core.domain.checks import Outcome, State

Colour = Literal["green", "blue", "orange", "red", "gray"]


@dataclass(frozen=True)
class Look:
    """How a state looks. `sign` stands for the icon in tables, which draw none."""

    word: str
    colour: Colour
    icon: str
    sign: str

    @property
    def mark(self) -> str:
        """As Markdown, before words that say it."""
        return f":{self.colour}[:material/{self.icon}:]"

    @property
    def badge(self) -> str:
        """As Markdown, on a ground of its colour."""
        return f":{self.colour}-badge[:material/{self.icon}: {self.word}]"

    @property
    def text(self) -> str:
        """As Markdown, among other words."""
        return f":{self.colour}[:material/{self.icon}:\u00a0{self.word}]"


def good(word: str, icon: str = "check_circle") -> Look:
    """It is as it should be."""
    return Look(word, "green", icon, "✓")


def bad(word: str, icon: str = "error") -> Look:
    """Somebody must do something."""
    return Look(word, "red", icon, "✕")


def doubtful(word: str, icon: str = "warning") -> Look:
    """Somebody should look."""
    return Look(word, "orange", icon, "!")


def under_way(word: str, icon: str = "hourglass_top") -> Look:
    """It goes on, or waits for somebody else."""
    return Look(word, "blue", icon, "…")


def neutral(word: str, icon: str) -> Look:
    """It is neither good nor bad."""
    return Look(word, "gray", icon, "–")  # noqa: RUF001 - a dash, not a minus


OUTCOMES = {
    Outcome.PASSED: good("passed"),
    Outcome.WARNING: doubtful("warning"),
    Outcome.FAILED: bad("failed"),
    Outcome.SKIPPED: neutral("skipped", "do_not_disturb_on"),
}
STATES = {
    State.SUCCESS: good("Success"),
    State.ERROR: bad("Error"),
    State.PENDING: under_way("Pending"),
    State.UNKNOWN: neutral("Unknown", "help"),
}
ENDINGS = {"done": good("done"), "refused": doubtful("refused", "block"), "failed": bad("failed")}
"""How what the audit trail holds ended."""


def state_column(looks: Iterable[Look]) -> Any:
    """How a table shows a column of these states, which holds their words; several words have commas between them."""
    by_word = {look.word: look for look in looks}
    return st.column_config.MultiselectColumn(
        options=list(by_word),
        color=[look.colour for look in by_word.values()],
        format_func=lambda word: f"{by_word[word].sign} {word}",
        disabled=True,
    )
