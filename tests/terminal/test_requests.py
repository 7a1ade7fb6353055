"""`onboarding requests`: from a file to the answer, with exit codes that a program can use."""

import json
import time

import pytest
import yaml

from tests.services.account_requests.forms import FORM


@pytest.fixture
def asked(onboarding):
    """Run a command with --json; gives its exit code and what it answered."""

    def run(*arguments: str, form: dict | None = None):
        said = onboarding("requests", *arguments, "--json", input=yaml.safe_dump(form) if form else None)
        return said.returncode, json.loads(said.stdout)

    return run


def test_by_ones_own_mail_program(asked, onboarding) -> None:
    code, added = asked("add", "-", form=FORM)
    assert (code, added["state"], added["problems"]) == (0, "draft", [])
    request = added["id"]
    code, sent = asked("send", request)
    assert (code, sent["state"], sent["mail"]["to"]) == (0, "draft", "sales@outscale.com")
    assert sent["mail"]["link"].startswith("mailto:sales@outscale.com?subject=A%20cloud%20account&body=")
    printed = onboarding("requests", "show", request).stdout
    assert "Subject: A cloud account" in printed and "mailto:" in printed
    assert asked("sent", request)[1]["state"] == "sent"
    code, again = asked("sent", request)
    assert (code, again["problems"][0]["field"]) == (1, "state")
    assert asked("note", request, "--owner", "Grace")[0] == 0
    code, wrong = asked("grant", request, "123")
    assert (code, wrong["problems"][0]["field"]) == (2, "account_id")
    assert asked("grant", request, "123456789012")[1]["state"] == "granted"
    code, rows = asked("list")
    assert [(row["state"], row["owner"], row["granted_account_id"]) for row in rows] == [
        ("granted", "Grace", "123456789012")
    ]
    assert "granted" in onboarding("requests", "list").stdout


def test_drafts_reminders_and_refusals(asked) -> None:
    draft = asked("add", "-", form={"company": "Unfinished"})[1]["id"]
    code, sent = asked("send", draft)
    assert code == 2
    assert {"email", "terms_accepted"} <= {problem["field"] for problem in sent["problems"]}
    assert asked("delete", draft) == (0, {"id": draft, "deleted": True})
    assert asked("delete", draft)[0] == 2
    request = asked("add", "-", "--send", form=FORM)[1]["id"]
    assert asked("refuse", request)[0] == 1
    asked("sent", request)
    assert asked("remind", request)[1]["mail"]["subject"] == "Reminder: A cloud account"
    assert asked("refuse", request, "--reason", "No capacity")[1]["state"] == "refused"
    assert "No capacity" in asked("show", request)[1]["notes"]


def test_the_sandbox_answers(asked, sandbox) -> None:
    form = FORM | {"region": "sandbox-east-1", "email": f"ada.{time.time_ns()}@company.example"}
    code, added = asked("add", "-", "--send", form=form)
    assert (code, added["state"], added["mail"]) == (0, "sent", None)
    deadline = time.monotonic() + 20
    while (shown := asked("show", added["id"])[1])["state"] == "sent":
        assert time.monotonic() < deadline
    assert shown["state"] == "granted"
    assert shown["granted_account_id"] in [one["account_id"] for one in sandbox.info["accounts"]]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (FORM | {"surprise": 1}, "surprise"),
        (FORM | {"phone": 33123456789}, "phone"),
        (FORM | {"kind": "other"}, "kind"),
        (FORM | {"subject": "x" * 300}, "subject"),
    ],
)
def test_a_bad_form_is_2_and_keeps_nothing(asked, form: dict, field: str) -> None:
    code, said = asked("add", "-", form=form)
    assert (code, said["id"], said["problems"][0]["field"]) == (2, None, field)
    assert asked("list")[1] == []


def test_unknown_ones_and_files(onboarding) -> None:
    assert onboarding("requests", "show", "unknown").returncode == 2
    assert onboarding("requests", "grant", "unknown", "123456789012", "--region", "eu-west-2").returncode == 2
    assert onboarding("requests", "add", "/no/such/file").returncode == 2
