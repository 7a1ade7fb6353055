"""Billing-only credentials and their buckets, against the real object storage."""

import pytest

from core.domain.checks import Outcome
from core.domain.credentials import FieldProblem
from core.services.billing import BucketChoice, bucket_choices, list_objects
from core.services.bucket_index import refresh
from core.services.credentials import set_enabled
from core.services.preview import preview
from core.services.workspace import Workspace
from tests.services.conftest import ACTOR, billing, checked, line, stored


def empty_bucket(info: dict, workspace: Workspace) -> dict:
    for bucket in info["billing"][0]["buckets"]:
        choice = BucketChoice("bills", bucket["name"], bucket["region"])
        page = list_objects(ACTOR, workspace, choice).page
        if page and not page.objects and not page.folders:
            return bucket
    raise AssertionError("no empty bucket")


def test_billing_credentials_are_checked_and_added(workspace: Workspace, sandbox) -> None:
    draft = billing(sandbox.info)
    report = checked(workspace, draft)
    assert not report.failures, report.failures
    targets = {one.target for one in report.results}
    assert {f"{bucket.name} ({bucket.region})" for bucket in draft.buckets} < targets
    stored(workspace, draft)
    empty = empty_bucket(sandbox.info, workspace)
    assert line(report, "Listing", empty["name"]).found == "The bucket is empty."
    assert line(report, "Listing", empty["name"]).outcome is Outcome.WARNING
    full = next(bucket for bucket in draft.buckets if bucket.name != empty["name"])
    assert line(report, "Reading", full.name).outcome is Outcome.PASSED
    assert "look like bills" in line(report, "Bill files", full.name).found


@pytest.mark.parametrize(("name", "words"), [("My-Bills", "capital"), ("bills.2026", "a dot"), ("ab", "2 characters")])
def test_bucket_names_that_cannot_be(workspace: Workspace, sandbox, name: str, words: str) -> None:
    region = sandbox.info["billing"][0]["buckets"][0]["region"]
    report = checked(workspace, billing(sandbox.info, buckets=[{"name": name, "region": region}]))
    found = line(report, "Bucket name")
    assert found.outcome is Outcome.FAILED
    assert words in found.found


def test_a_missing_bucket_is_named(workspace: Workspace, sandbox) -> None:
    region = sandbox.info["billing"][0]["buckets"][0]["region"]
    report = checked(workspace, billing(sandbox.info, buckets=[{"name": "no-such-bucket", "region": region}]))
    assert line(report, "Bucket exists").outcome is Outcome.FAILED


def test_a_bucket_in_another_region_is_found_there(workspace: Workspace, sandbox) -> None:
    bucket = sandbox.info["billing"][0]["buckets"][0]
    others = [region["name"] for region in sandbox.info["regions"] if region["name"] != bucket["region"]]
    report = checked(workspace, billing(sandbox.info, buckets=[bucket | {"region": others[0]}]))
    found = line(report, "Bucket exists")
    assert found.outcome is Outcome.FAILED
    assert f"it was found in {bucket['region']}" in found.found


def test_a_forbidden_bucket_is_named(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    key = account["access_keys"][0]
    bucket = sandbox.info["billing"][0]["buckets"][0]
    assert bucket["region"] == account["region"]
    draft = billing(
        sandbox.info,
        buckets=[bucket],
        billing_access_key=key["access_key_id"],
        billing_secret_key=key["secret_key"],
    )
    found = line(checked(workspace, draft), "Bucket exists")
    assert found.outcome is Outcome.FAILED
    assert "may not" in found.found or "not allowed" in found.found, found


def test_a_wrong_billing_secret_is_tried_once(workspace: Workspace, sandbox) -> None:
    report = checked(workspace, billing(sandbox.info, billing_secret_key="A" * 40))
    signatures = [one for one in report.results if one.check == "Signature"]
    assert [one.outcome for one in signatures] == [Outcome.FAILED, Outcome.SKIPPED]
    assert "the secret key does not belong" in signatures[0].found


def test_no_buckets(workspace: Workspace, sandbox) -> None:
    assert [problem.field for problem in checked(workspace, billing(sandbox.info, buckets=[])).problems] == ["buckets"]


def test_folders_are_walked_page_by_page(workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    choices = bucket_choices(ACTOR, workspace)
    assert len(choices) == len(sandbox.info["billing"][0]["buckets"])
    choice = choices[0]
    first = list_objects(ACTOR, workspace, choice, limit=10).page
    assert first
    assert first.next
    folders, token = list(first.folders), first.next
    while token:
        page = list_objects(ACTOR, workspace, choice, limit=10, token=token).page
        assert page
        folders += page.folders
        token = page.next
    assert len(folders) == len(set(folders)) == 24
    inside = list_objects(ACTOR, workspace, choice, prefix=folders[0]).page
    assert inside
    assert inside.objects
    assert all(stored.key.startswith(folders[0]) and stored.size > 0 for stored in inside.objects)


def test_disabled_credentials_are_used_by_nothing(workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    choice = bucket_choices(ACTOR, workspace)[0]
    set_enabled(ACTOR, workspace, ["bills"], False)
    assert bucket_choices(ACTOR, workspace) == []
    problem = list_objects(ACTOR, workspace, choice).problem
    assert problem
    assert "disabled" in problem.what
    assert isinstance(preview(ACTOR, workspace, choice, "x.csv"), FieldProblem)
    assert refresh(ACTOR, workspace, choice).problem
