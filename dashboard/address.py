"""The state of a screen in the browser's address: it can be sent to a colleague, outlives a reload, and the browser's
back and forward lead through it.

A screen names the parts of its address. When somebody arrives at the screen, or goes back or forward, `arrive` puts
what the address says where the screen keeps it; what changes afterwards, `keep` writes into the address. Text of an
address is anybody's: a part takes what is there and what the person may see, and nothing else. No part is a secret."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.navigation import Screen
from dashboard.widgets.text import safe

_SCREEN, _KEPT, _WRONG = "address.screen", "address.kept", "address.wrong"
_LONGEST = 60
Place = tuple[str, str]
"""What is known by its own ID and its Region."""


@dataclass(frozen=True)
class Part:
    """One value: its `name` in the address, and the `key` under which the session's state has it. `read` makes the
    value of the address's words and raises ValueError when there is no such thing; `write` makes the words of a value.
    `none` is what the value is when the address does not name it."""

    name: str
    key: str
    read: Callable[[list[str]], Any]
    write: Callable[[Any], list[str]]
    none: Any = None


def text(name: str, key: str) -> Part:
    """Anything that is typed."""
    return Part(name, key, lambda words: words[-1], lambda value: [value] if value else [], "")


def one_of(name: str, key: str, options: Callable[[], Collection[str]], none: str | None = None) -> Part:
    """One of some options, which are asked for when the address names one."""
    return Part(
        name,
        key,
        lambda words: _among([words[-1]], options())[0],
        lambda value: [value] if value is not None and value != none else [],
        none,
    )


def several(name: str, key: str, options: Callable[[], Collection[str]]) -> Part:
    """Some of these options."""
    return Part(name, key, lambda words: _among(words, options()), lambda value: list(value or []), [])


def number(name: str, key: str, least: int = 1) -> Part:
    """A whole number from `least` on, which is also what it is when it is not named."""

    def read(words: list[str]) -> int:
        value = int(words[-1])
        if not least <= value < 1_000_000_000:
            raise ValueError
        return value

    return Part(name, key, read, lambda value: [str(value)] if value and value != least else [], least)


def amount(name: str, key: str) -> Part:
    """A number from 0 on."""

    def read(words: list[str]) -> float:
        value = float(words[-1])
        if not 0 <= value < math.inf:
            raise ValueError
        return value

    return Part(name, key, read, lambda value: [f"{value:g}"] if value is not None else [])


def day(name: str, key: str) -> Part:
    """A day."""
    return Part(
        name, key, lambda words: date.fromisoformat(words[-1]), lambda value: [value.isoformat()] if value else []
    )


def days(name: str, key: str) -> Part:
    """A period: its first and its last day."""

    def read(words: list[str]) -> tuple[date, ...]:
        found = tuple(date.fromisoformat(word) for word in words)
        if len(found) > 2 or list(found) != sorted(found):
            raise ValueError
        return found

    def write(value: Any) -> list[str]:
        return [one.isoformat() for one in (value if isinstance(value, tuple) else (value,)) if one]

    return Part(name, key, read, write, ())


def place(name: str, key: str, known: Callable[[], Iterable[Place]]) -> Part:
    """Something that is known by its ID and its Region: `126234412779.eu-west-2`."""

    def read(words: list[str]) -> Place:
        there, _, region = words[-1].rpartition(".")
        if not there or (there, region) not in set(known()):
            raise ValueError
        return there, region

    return Part(name, key, read, lambda value: [named(*value)] if value else [])


def file(name: str, key: str) -> Part:
    """An object of a bucket, by Region, bucket and object key. Whether it is there, the screen finds when it looks."""

    def read(words: list[str]) -> tuple[str, str, str]:
        region, bucket, there = words[-1].split("/", 2)
        return region, bucket, there

    return Part(name, key, read, lambda value: ["/".join(value)] if value else [])


def named(there: str, region: str) -> str:
    """An ID and its Region as the address has them."""
    return f"{there}.{region}"


def arrive(screen: Screen, parts: Sequence[Part]) -> bool:
    """Put what the address says where the screen keeps it, when it was not the screen that wrote it there, and say what
    of it cannot be shown. An address that says nothing shows the screen as it was left. Returns whether it was read."""
    state = st.session_state
    came, walked = state.get(_SCREEN) != screen.file, _walked()
    read = walked or (came and len(st.query_params) > 0)
    if came or walked:
        state[_SCREEN], state[_KEPT], state[_WRONG] = screen.file, None, []
    if read:
        _read(parts, {name: st.query_params.get_all(name) for name in st.query_params})
    if wrong := state.get(_WRONG):
        st.warning(
            f"The address asks for what is not here: {'; '.join(wrong)}. It is mistyped, gone, or not for your role. "
            "The rest is shown.",
            icon=":material/link_off:",
        )
    return read


def keep(parts: Sequence[Part]) -> None:
    """Write what the screen shows now into the address. A change is one step of the browser's history."""
    state = st.session_state
    shown = {part.name: words for part in parts if (words := part.write(state.get(part.key, part.none)))}
    if state.get(_KEPT) is None:
        state[_KEPT] = shown
    # What is wrong in an address stays there until something else is shown: a reload says it again.
    righted = shown != state[_KEPT] and bool(state.get(_WRONG))
    if shown != state[_KEPT]:
        state[_KEPT], state[_WRONG] = shown, []
    if not state.get(_WRONG) and shown != {name: st.query_params.get_all(name) for name in st.query_params}:
        st.query_params.from_dict(shown)
    if righted:
        st.rerun()


def leave() -> None:
    """Another screen is shown: its address is read anew."""
    for name in (_SCREEN, _KEPT, _WRONG):
        st.session_state.pop(name, None)


def _read(parts: Sequence[Part], told: dict[str, list[str]]) -> None:
    wrong = []
    for part in parts:
        words = told.pop(part.name, [])
        st.session_state[part.key] = part.none
        if words:
            try:
                st.session_state[part.key] = part.read(words)
            except ValueError:
                wrong.append(f"**{part.name}** “{_short(words)}”")
    st.session_state[_WRONG] = wrong + [f"“{_short([name])}”" for name in told]


def _walked() -> bool:
    """Whether the browser's back or forward led here: then the address is right, and what the fields hold is not."""
    run = get_script_run_ctx()
    return run is not None and run.is_history_navigation


def _among(words: list[str], options: Collection[str]) -> list[str]:
    if not all(word in options for word in words):
        raise ValueError
    return words


def _short(words: list[str]) -> str:
    said = ", ".join(words)
    return safe(said if len(said) <= _LONGEST else said[:_LONGEST] + "…")
