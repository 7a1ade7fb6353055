"""The walkthrough as a presenter sees it."""

from streamlit.testing.v1 import AppTest

from core.domain.roles import Role
from core.services.walkthrough import do_step
from core.services.walkthrough_steps import Step
from core.services.workspace import Workspace
from dashboard.navigation import WALKTHROUGH
from dashboard.session import actor
from dashboard.widgets.walkthrough import JOB
from tests.screens.conftest import press, ran, settled, words


def done(app: AppTest) -> int:
    """How many steps the bar says are done."""
    return int(app.get("progress")[0].proto.text.split()[0])


def test_steps_are_done_one_after_the_other(screen, workspace: Workspace) -> None:
    app = screen(WALKTHROUGH)
    assert done(app) == 0 and "1. Request the account" in words(app)
    app = settled(press(app, "Send the request"), JOB)
    assert done(app) == 1
    app = settled(press(press(app, "Next: It is granted"), "Wait for the answer"), JOB)
    assert done(app) == 2 and "Account ID" in words(app)
    app = settled(press(press(app, "Next: Confirm the password"), "Confirm the password"), JOB)
    assert any(one.label.startswith("What was sent") for one in app.expander)
    assert any("OSC4-HMAC-SHA256 ••••" in one.value or "••••" in one.value for one in app.code)

    again = screen(WALKTHROUGH)
    assert done(again) == 3, "the store tells what is done"
    assert "4. Generate a key" in words(again)

    press(again, "Start over")
    (button,) = [one for one in again.button if one.label == "Delete and start over"]
    assert "Nothing else is touched" in words(again)
    ran(button.click().run())
    assert done(screen(WALKTHROUGH)) == 0


def test_the_place_and_the_notes_are_in_the_address(screen) -> None:
    app = screen(WALKTHROUGH, step="bucket", notes="shown")
    assert "8. Browse the bucket" in words(app) and "Presenter:" in words(app)
    assert "First: Add billing only" in [one.label for one in app.button]
    assert "Send the request" not in [one.label for one in app.button]
    wrong = screen(WALKTHROUGH, step="nowhere")
    assert "nowhere" in words(wrong) and "1. Request the account" in words(wrong)


def test_a_failed_step_says_why_and_can_be_tried_again(screen, sandbox, workspace: Workspace) -> None:
    for step in (Step.REQUEST, Step.GRANT):
        assert do_step(actor(), workspace, step).problem is None
    sandbox.fault("html", count=50)
    app = settled(press(screen(WALKTHROUGH), "Confirm the password"), JOB)
    assert app.error or app.warning
    sandbox.clear()
    app = settled(press(app, "Try again"), JOB)
    assert done(app) == 3


def test_presenters_have_it(screen, as_role) -> None:
    as_role(Role.PRESENTER)
    assert "1. Request the account" in words(screen(WALKTHROUGH))
