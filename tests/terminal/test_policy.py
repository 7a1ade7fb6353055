"""`onboarding policy`."""

import json


def test_it_is_shown_and_set(onboarding) -> None:
    before = json.loads(onboarding("policy", "show", "--json").stdout)
    assert before["old_days"] == 365
    done = onboarding("policy", "set", "--old-days", "180", "--grace-days", "0", "--json")
    assert done.returncode == 0, done.stderr
    after = json.loads(onboarding("policy", "show", "--json").stdout)
    assert after == before | {"old_days": 180, "grace_days": 0} == json.loads(done.stdout)
    assert "180" in onboarding("policy", "show").stdout


def test_bad_figures_are_2_and_change_nothing(onboarding) -> None:
    refused = onboarding("policy", "set", "--old-days", "0", "--remind-days", "91", "--grace-days", "3")
    assert refused.returncode == 2
    assert "--old-days" in refused.stderr and "--remind-days" in refused.stderr
    assert onboarding("policy", "set", "--old-days", "many").returncode == 2
    assert json.loads(onboarding("policy", "show", "--json").stdout)["grace_days"] == 7
