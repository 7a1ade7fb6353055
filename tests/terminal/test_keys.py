"""`onboarding keys …`: secrets go to files or stay sealed, passwords come from the input."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from tests.terminal.test_terminal import project_form

DAY = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(1)


def test_a_key_lives_and_dies(onboarding, account, tmp_path) -> None:
    place = ["--region", account["region"], "--email", account["email"], "--password-stdin"]
    password = account["password"] + "\n"
    out = tmp_path / "key.csv"
    made = onboarding(
        "keys", "create", *place, "--expires", DAY, "--tag", "cli", "--out", str(out), "--json", input=password
    )
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)["access_key"]
    access_key, secret, account_id, _ = out.read_text().splitlines()[1].split(",")
    assert (access_key, account_id) == (key, account["account_id"])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert secret not in made.stdout + made.stderr
    assert onboarding("keys", "create", *place, "--never", "--out", str(out), input=password).returncode == 2
    assert json.loads(onboarding("keys", "open", "--json").stdout) == []
    for command, state in (("deactivate", "INACTIVE"), ("activate", "ACTIVE")):
        assert onboarding("keys", command, key, *place, input=password).returncode == 0
        listed = {
            one["access_key"]: one
            for one in json.loads(onboarding("keys", "list", *place, "--json", input=password).stdout)
        }
        assert listed[key]["state"] == state
        assert listed[key]["expires"].startswith(DAY)
    assert onboarding("keys", "change", key, *place, "--tag", "", "--never", input=password).returncode == 0
    wrong = onboarding("keys", "delete", key, *place, "--confirm", "SOMETHING", input=password)
    assert (wrong.returncode, "not the access key" in wrong.stderr) == (2, True)
    assert onboarding("keys", "delete", key, *place, "--confirm", key, input=password).returncode == 0
    gone = onboarding("keys", "activate", key, *place, input=password)
    assert (gone.returncode, "does not exist any more" in gone.stderr) == (1, True)


def test_a_wrong_password_and_bad_input(onboarding, account, tmp_path) -> None:
    place = ["--region", account["region"], "--email", account["email"], "--password-stdin"]
    wrong = onboarding("keys", "list", *place, input="wrong\n")
    assert wrong.returncode == 1
    assert "more tries" in wrong.stderr
    assert onboarding("keys", "list", "--region", account["region"]).returncode == 2
    assert onboarding("keys", "create", *place, "--never", input="x\n").returncode == 2  # nowhere for the secret
    assert onboarding("keys", "create", *place, "--expires", "soon", "--keep", input="x\n").returncode == 2
    assert onboarding("keys", "list", *place, input=account["password"] + "\n").returncode == 0


def test_a_key_is_rotated_and_finished(onboarding, account, sandbox) -> None:
    place = ["--region", account["region"], "--email", account["email"], "--password-stdin"]
    password = account["password"] + "\n"
    made = onboarding("keys", "create", *place, "--expires", DAY, "--keep", "--json", input=password)
    key = json.loads(made.stdout)["access_key"]
    assert [one["access_key"] for one in json.loads(onboarding("keys", "stored", "--json").stdout)] == [key]
    form = project_form(account)
    form["projects"][0] |= {"access_key": key, "secret_key": ""}
    added = onboarding("credentials", "add", "-", input=json.dumps(form))
    assert added.returncode == 0, added.stdout + added.stderr
    rotated = onboarding("keys", "rotate", key, "--region", account["region"], "--json")
    assert rotated.returncode == 0, rotated.stderr
    answer = json.loads(rotated.stdout)
    assert (answer["step"], answer["credentials"]) == ("wait", ["demo"])
    assert answer["checks"]
    assert json.loads(onboarding("keys", "finish", "--json").stdout) == []  # the grace is not over
    ended = onboarding("keys", "rotate", key, "--region", account["region"], "--delete-now", "--json")
    assert json.loads(ended.stdout)["outcome"] == "done"
    listed = json.loads(onboarding("keys", "list", *place, "--json", input=password).stdout)
    assert key not in [one["access_key"] for one in listed]
    assert json.loads(onboarding("keys", "rotations", "--json").stdout) == []
    assert onboarding("credentials", "check", "demo").returncode == 0
    new = answer["new_key"]
    again = onboarding("keys", "rotate", new, "--region", account["region"])
    assert again.returncode == 0, again.stderr
    assert onboarding("keys", "back", new, "--region", account["region"]).returncode == 0
    assert onboarding("keys", "delete", new, *place, "--confirm", new, input=password).returncode == 0
