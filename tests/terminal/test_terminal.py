"""The `onboarding` command as a person or a program runs it: real processes against the sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from core.settings import Settings


def project_form(account: dict, **changes: object) -> dict:
    key = account["access_keys"][0]
    row = {
        "access_key": key["access_key_id"],
        "secret_key": key["secret_key"],
        "account_id": account["account_id"],
        "region": account["region"],
    }
    return {"name": "demo", "billing_only": False, "projects": [row], "proxy": None} | changes


def billing_form(info: dict) -> dict:
    key = info["billing"][0]
    return {
        "name": "bills",
        "billing_only": True,
        "billing_access_key": key["access_key_id"],
        "billing_secret_key": key["secret_key"],
        "buckets": key["buckets"],
    }


def test_the_whole_path(onboarding, sandbox, tmp_path: Path) -> None:
    file = tmp_path / "form.json"
    file.write_text(json.dumps(project_form(sandbox.account(0))))
    added = onboarding("credentials", "add", str(file), "--json")
    assert added.returncode == 0, added.stderr
    answer = json.loads(added.stdout)
    assert (answer["name"], answer["state"]) == ("demo", "success")
    assert set(answer["checks"][0]) >= {"target", "check", "outcome", "found", "mend", "seconds"}

    by_input = onboarding("credentials", "add", "-", "--json", input=yaml.safe_dump(billing_form(sandbox.info)))
    assert by_input.returncode == 0, by_input.stdout + by_input.stderr

    listed = json.loads(onboarding("credentials", "list", "--json").stdout)
    assert [row["name"] for row in listed] == ["bills", "demo"]

    checked = onboarding("credentials", "check", "demo", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["state"] == "success"

    shown = json.loads(onboarding("credentials", "show", "demo", "--json").stdout)
    assert shown["projects"][0]["account_id"] == sandbox.account(0)["account_id"]

    bucket = sandbox.info["billing"][0]["buckets"][0]
    listing = json.loads(onboarding("buckets", "list", "bills", bucket["name"], "--limit", "3", "--json").stdout)
    assert (listing["bucket"], listing["region"], len(listing["objects"])) == (bucket["name"], bucket["region"], 3)
    assert set(listing["objects"][0]) >= {"key", "size", "modified", "etag"}
    assert listing["next"]
    month = listing["objects"][0]["key"].split("/")[0] + "/"
    inside = json.loads(onboarding("buckets", "list", "bills", bucket["name"], "--prefix", month, "--json").stdout)
    assert all(one["key"].startswith(month) for one in inside["objects"])
    assert inside["next"] is None

    assert onboarding("credentials", "disable", "demo", "--json").returncode == 0
    assert onboarding("credentials", "enable", "demo").returncode == 0
    assert onboarding("credentials", "delete", "demo", "--confirm", "dem").returncode == 2
    assert onboarding("credentials", "delete", "demo", "--confirm", "demo").returncode == 0

    secrets = [key["secret_key"] for one in sandbox.info["accounts"] for key in one["access_keys"]]
    secrets += [one["secret_key"] for one in sandbox.info["billing"]]
    for said in (added, by_input, checked):
        assert not any(secret in said.stdout + said.stderr for secret in secrets)


def test_refused_by_checks_is_1(onboarding, sandbox) -> None:
    form = project_form(sandbox.account(0))
    form["projects"][0]["account_id"] = "000000000000"
    answer = onboarding("credentials", "add", "-", "--json", input=json.dumps(form))
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["state"] == "error"
    assert json.loads(onboarding("credentials", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": "Großbuchstaben"', "JSON"),
        ("[]", "object"),
        ("name: demo\nprojects:\n  - {access_key: A, secret_key: B, account_id: 123456789012}\n", "quotes"),
        ("name: demo\nprojets: []\n", "no such field"),
        ('{"name": "much-too-long-for-a-name", "projects": []}', "20 is the most"),
    ],
)
def test_bad_input_is_2(onboarding, text: str, words: str) -> None:
    answer = onboarding("credentials", "add", "-", input=text)
    assert answer.returncode == 2, answer
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_unknown_names_are_2(onboarding) -> None:
    assert onboarding("credentials", "show", "nobody").returncode == 2
    assert onboarding("credentials", "check", "nobody", "--json").returncode == 2
    assert onboarding("credentials", "add", "no-such-file.json").returncode == 2


def test_regions_and_settings(onboarding, settings: Settings) -> None:
    regions = {one["name"]: one for one in json.loads(onboarding("regions", "--json").stdout)}
    assert regions["eu-west-2"]["label"] == "Paris"
    assert regions["cn-southeast-1"]["retired"]
    assert regions["sandbox-west-1"]["sandbox"]
    listed = {one["name"]: one["value"] for one in json.loads(onboarding("settings", "--json").stdout)}
    assert listed["ONBOARDING_HOME"] == str(settings.home)


def test_a_wrong_master_key_is_one_line(onboarding, settings: Settings) -> None:
    assert onboarding("credentials", "list").returncode == 0
    (settings.home / "master.key").unlink()
    answer = onboarding("credentials", "list")
    assert answer.returncode == 3
    assert "The master key is missing" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_no_command_waits_for_libraries_that_it_does_not_use() -> None:
    asked = "import sys, core.cli.app; print({'polars', 'pandas', 'streamlit'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
