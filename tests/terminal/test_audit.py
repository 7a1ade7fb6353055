"""`onboarding keys audit`, as cron runs it."""

import json

from tests.terminal.test_terminal import project_form


def audit(onboarding, *options: str, code: int) -> list[dict]:
    answer = onboarding("keys", "audit", "--json", *options)
    assert answer.returncode == code, answer.stderr
    return json.loads(answer.stdout)


def test_nothing_needs_attention_is_0(onboarding) -> None:
    assert audit(onboarding, code=0) == []
    assert "Nothing needs attention" in onboarding("keys", "audit").stdout


def test_what_needs_attention_is_1(onboarding, sandbox) -> None:
    form = json.dumps(project_form(sandbox.account(0)))
    assert onboarding("credentials", "add", "-", input=form).returncode == 0
    assert audit(onboarding, code=0) == []  # its keys were never read
    lines = audit(onboarding, "--refresh", code=1)
    special = sandbox.info["special"]
    assert [(line["kind"], line["subject"]) for line in lines] == [
        ("expired", special["expired"]["access_key_id"]),
        ("expiring", special["expiring"]["access_key_id"]),
        ("old", special["old"]["access_key_id"]),
    ]
    assert set(lines[0]) == {
        "kind",
        "subject",
        "what",
        "mend",
        "screen",
        "since",
        "account_id",
        "region",
        "access_key",
        "request",
    }
    assert audit(onboarding, code=1) == lines
    shown = onboarding("keys", "audit")
    assert (shown.returncode, "expiring" in shown.stdout) == (1, True)


def test_an_account_that_cannot_be_read_is_a_line(onboarding, sandbox) -> None:
    form = json.dumps(project_form(sandbox.account(2)))
    assert onboarding("credentials", "add", "-", input=form).returncode == 0
    sandbox.fault("restrict", account_id=sandbox.account(2)["account_id"])
    (line,) = audit(onboarding, "--refresh", code=1)
    assert (line["kind"], line["account_id"]) == ("unread", sandbox.account(2)["account_id"])
