"""One way to show an outcome or a state: word, icon and colour together."""

from core.domain.checks import Outcome, State

_OUTCOMES = {
    Outcome.PASSED: ("green", "check_circle", "passed"),
    Outcome.WARNING: ("orange", "warning", "warning"),
    Outcome.FAILED: ("red", "error", "failed"),
    Outcome.SKIPPED: ("gray", "do_not_disturb_on", "skipped"),
}
_STATES = {
    State.SUCCESS: ("green", "check_circle", "Success"),
    State.ERROR: ("red", "error", "Error"),
    State.PENDING: ("blue", "hourglass_top", "Pending"),
    State.UNKNOWN: ("gray", "help", "Unknown"),
}
STATE_WORDS = {state: word for state, (_, _, word) in _STATES.items()}
STATE_COLOURS = [colour for colour, _, _ in _STATES.values()]


def outcome_badge(outcome: Outcome) -> str:
    """A check's outcome as Markdown."""
    colour, icon, word = _OUTCOMES[outcome]
    return f":{colour}[:material/{icon}:\u00a0{word}]"


def state_badge(state: State) -> str:
    """A state of credentials as Markdown."""
    colour, icon, word = _STATES[state]
    return f":{colour}-badge[:material/{icon}: {word}]"
