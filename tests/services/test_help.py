"""Help: what it finds, and that nothing which OUTSCALE, the sandbox or a check can say is without an entry."""

import re
from itertools import chain
from pathlib import Path

import pytest

from core.domain.checks import Outcome
from core.domain.credentials import ACCOUNT_ID_RULE, NAME_RULE
from core.outscale import codes
from core.outscale.errors import ON_THE_WAY, Trouble
from core.sandbox import refusals
from core.services.checks import billing, projects
from core.services.help import Kind, entries, find_help, pages
from core.services.onboarding import check_draft
from core.services.workspace import Workspace
from tests.services.conftest import ACTOR, project_row
from tests.services.conftest import projects as project_form

OURS = Path(__file__).parents[2] / "core"


def titles(workspace: Workspace, search: str) -> list[str]:
    return [one.title for one in find_help(ACTOR, workspace, search)]


def known() -> set[str]:
    return set(chain.from_iterable(one.codes for one in entries()))


@pytest.mark.parametrize(
    ("search", "first"),
    [
        ("14", "Code 14"),
        ("code 14", "Code 14"),
        ("nosuchbucket", "NoSuchBucket"),
        ("4", "Codes 4, 5, 7"),
        ("Account ID", "Account ID"),
        ("proxy HTTPS", "Proxy"),
        ("too-many-accesskeys", "Code 10005"),
        ("duplicate username", "Code 9022"),
        ("4998", "Code 4998"),
        ("already onboarded", "Already onboarded"),
    ],
)
def test_it_is_found_by_code_and_by_word(workspace: Workspace, search: str, first: str) -> None:
    assert titles(workspace, search)[0] == first


@pytest.mark.parametrize("search", ["zebra", "14 zebra", "99999", "(((", "٣"])
def test_what_is_not_there_is_not_found(workspace: Workspace, search: str) -> None:
    assert titles(workspace, search) == []


def test_without_a_search_it_lists_what_is_explained(workspace: Workspace) -> None:
    listed = find_help(ACTOR, workspace)
    assert {one.kind for one in listed} == set(Kind)
    assert "Code 9022" not in [one.title for one in listed], "only its name is known"
    assert len(entries()) > len(listed) + 250


def test_a_number_is_a_whole_one(workspace: Workspace) -> None:
    assert "Code 10005" not in titles(workspace, "5")


def test_every_code_of_the_sandbox_has_an_entry() -> None:
    sent = {value for name, value in vars(refusals).items() if name.isupper() and isinstance(value, int)}
    assert len(sent) > 20
    assert [code for code in sent if str(code) not in known() and codes.family_of(str(code)) is None] == []


def test_every_code_that_our_own_code_names_has_an_entry() -> None:
    written = "".join(path.read_text() for path in OURS.rglob("*.py"))
    named = set(re.findall(r"codes? (\d{1,5})\b", written)) | set(re.findall(r'CODE\["(\w+)"\]', written))
    assert {"14", "15", "SlowDown", "4120"} <= named
    assert {code for code in named if code not in known() and codes.family_of(code) is None} <= {"407"}  # the proxy's


def test_every_trouble_has_an_entry() -> None:
    told = {one.trouble for one in (*codes.API, *codes.STORAGE, *codes.WAY)}
    told |= {one.meaning.trouble for one in codes.FAMILIES}
    assert set(Trouble) - told == {Trouble.INACTIVE_KEY}  # code 1, whose details say so
    assert {one.trouble for one in codes.WAY} == ON_THE_WAY


def test_every_question_of_a_check_has_an_entry() -> None:
    asked = {*projects.PROJECT_CHECKS, billing.FORMAT, *billing.REGION_CHECKS, *billing.BUCKET_CHECKS}
    assert {one.title for one in entries() if one.kind is Kind.CHECK} == asked


def test_a_refusal_is_found_by_the_code_that_a_check_shows(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    sandbox.fault("restrict", account_id=account["account_id"])
    report = check_draft(ACTOR, workspace, project_form(project_row(account)))
    (failed,) = [one for one in report.results if one.outcome is Outcome.FAILED]
    code = re.search(r"code (\w+)", failed.found)
    assert code
    entry = find_help(ACTOR, workspace, code[1])[0]
    assert failed.found.startswith(entry.what)
    assert failed.mend.startswith(entry.mend)


def test_entries_say_what_and_what_to_do() -> None:
    for one in entries():
        assert one.what.endswith((".", ").")), one
        assert "{" not in one.what + one.mend
        assert one.mend or one.kind is Kind.TERM, one
    assert len({(one.kind, one.title) for one in entries()}) == len(entries())


def test_fields_are_explained_with_the_rule_that_holds() -> None:
    rules = {one.title: one.rule for one in entries() if one.kind is Kind.TERM}
    assert rules["Account ID"] == ACCOUNT_ID_RULE
    assert rules["Credentials name"] == NAME_RULE
    for term in ("Region", "Access key", "Bucket", "Proxy", "EIM user"):
        assert term in rules
    assert all(rules[term] for term in ("Region", "Access key", "Bucket", "Proxy"))


def test_its_links_lead_to_outscale() -> None:
    assert all(re.fullmatch(r"https://(docs|status)\.outscale\.com/[\w/.-]*", one.url) for one in pages())
    assert {one.page for one in entries() if one.page} <= set(pages())
