"""`onboarding allow`."""

import json

from tests.terminal.test_terminal import project_form


def test_hosts_are_allowed_listed_and_removed(onboarding) -> None:
    added = onboarding("allow", "add", "Proxy.Company.example:3128", "--note", "the way out")
    assert added.returncode == 0, added.stderr
    assert onboarding("allow", "add", "10.0.0.0/8").returncode == 0
    listed = json.loads(onboarding("allow", "list", "--json").stdout)
    assert [(one["entry"], one["note"]) for one in listed] == [
        ("10.0.0.0/8", ""),
        ("proxy.company.example:3128", "the way out"),
    ]
    shown = onboarding("allow", "list").stdout
    assert "proxy.company.example:3128" in shown and "the way out" in shown and "UTC" in shown
    assert onboarding("allow", "remove", "10.0.0.0/8").returncode == 0
    again = onboarding("allow", "remove", "10.0.0.0/8")
    assert again.returncode == 2 and "not on the list" in again.stderr


def test_what_cannot_be_allowed_is_2_with_why(onboarding) -> None:
    for entry, why in (("127.0.0.1", "this machine"), ("169.254.0.0/16", "metadata"), ("0.0.0.0/0", "would open")):
        refused = onboarding("allow", "add", entry)
        assert refused.returncode == 2
        assert why in refused.stderr and "never connected to" in refused.stderr
    assert json.loads(onboarding("allow", "list", "--json").stdout) == []


def test_credentials_with_a_proxy_wait_for_it(onboarding, sandbox) -> None:
    form = json.dumps(project_form(sandbox.account(0), proxy="https://user:p%40ss@proxy.invalid:3128"))
    refused = onboarding("credentials", "add", "-", "--add-anyway", input=form)
    assert refused.returncode == 2
    assert "proxy.invalid (port 3128) is not on the list of allowed hosts" in refused.stderr
    assert "p%40ss" not in refused.stderr + refused.stdout
    assert onboarding("allow", "add", "*.invalid.example").returncode == 0
    assert onboarding("credentials", "add", "-", "--add-anyway", input=form).returncode == 2
    assert onboarding("allow", "add", "proxy.invalid:3128").returncode == 0
    added = onboarding("credentials", "add", "-", "--add-anyway", input=form)
    assert added.returncode == 0, added.stderr
