"""The screen Administration."""

from core.services.policy import FIGURES, show_policy
from core.services.workspace import Workspace
from dashboard.navigation import ADMINISTRATION
from tests.screens.conftest import press, words
from tests.services.conftest import ACTOR


def figure(app, label: str):
    (field,) = [one for one in app.number_input if one.label == label]
    return field


def test_the_policy_is_explained_and_saved(screen, workspace: Workspace) -> None:
    app = screen(ADMINISTRATION)
    assert {one.label: one.value for one in app.number_input} == {
        "Expires soon": 30,
        "Old": 365,
        "Unused": 90,
        "Grace": 7,
        "Remind": 5,
    }
    assert all(one.meaning in words(app) for one in FIGURES)
    figure(app, "Old").set_value(180)
    figure(app, "Grace").set_value(0)
    press(app, "Save")
    assert "was saved" in words(app)
    policy = show_policy(ACTOR, workspace)
    assert (policy.old_days, policy.grace_days, policy.unused_days) == (180, 0, 90)


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(screen, workspace: Workspace) -> None:
    app = screen(ADMINISTRATION)
    figure(app, "Old").set_value(200)
    figure(app, "Remind").set_value(91)
    press(app, "Save")
    assert "Choose 1 to 90 days" in words(app)
    assert "was saved" not in words(app)
    assert (figure(app, "Old").value, figure(app, "Remind").value) == (200, 91)
    assert show_policy(ACTOR, workspace).old_days == 365
    figure(app, "Remind").set_value(10)
    press(app, "Save")
    assert "Choose 1 to 90 days" not in words(app)
    assert show_policy(ACTOR, workspace).old_days == 200
