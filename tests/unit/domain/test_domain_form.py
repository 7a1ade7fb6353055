"""The form's rules: every bad input has its own words, and what was pasted with blanks is trimmed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from core.domain.credentials import (
    BucketDraft,
    CredentialsDraft,
    ProjectDraft,
    account_id_problem,
    bucket_name_problem,
    draft_problems,
    name_problem,
    unusual_key_formats,
)
from core.domain.regions import Region, RegionCatalog

ACCESS_KEY = "A" * 20
SECRET = "S" * 40


def _region(name: str, label: str, *, retired: bool = False) -> Region:
    return Region(
        name=name, label=label, api=f"https://api.{name}.test/api/v1", oos=f"https://oos.{name}.test", retired=retired
    )


REGIONS = RegionCatalog(
    [
        _region("eu-west-2", "Paris"),
        _region("us-east-2", "New Jersey"),
        _region("cn-southeast-1", "Hong Kong", retired=True),
    ]
)


def _row(**fields: object) -> dict[str, object]:
    return {
        "access_key": ACCESS_KEY,
        "secret_key": SECRET,
        "account_id": "123456789012",
        "region": "eu-west-2",
    } | fields


def _projects(*rows: dict[str, object], **fields: object) -> CredentialsDraft:
    return CredentialsDraft.model_validate({"name": "demo", "projects": list(rows)} | fields)


def _billing(*buckets: dict[str, str], **fields: object) -> CredentialsDraft:
    keys = {"billing_access_key": ACCESS_KEY, "billing_secret_key": SECRET}
    return CredentialsDraft.model_validate(
        {"name": "demo", "billing_only": True, "buckets": list(buckets)} | keys | fields
    )


def _said(draft: CredentialsDraft) -> dict[str, str]:
    return {problem.field: str(problem) for problem in draft_problems(draft, REGIONS)}


@pytest.mark.parametrize("name", ["a", "demo-1", "169004790926", "-", "a" * 20])
def test_a_name_within_the_rule_is_accepted(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "The name is missing."),
        ("a" * 21, "The name has 21 characters; 20 is the most."),
        ("Demo", "capital letter: D"),
        ("démo", "accent: é"),
        ("de\u0301mo", "accent: é"),
        ("ÉCOLE", "accent: É"),
        ("my demo", "blank"),
        ("demo_1", "not allowed: _"),
        ("demo\n", "blank"),
        ("demo٣", "not allowed: ٣"),
    ],
)
def test_a_name_outside_the_rule_is_told_what_is_wrong(name: str, words: str) -> None:
    problem = name_problem(name)
    assert problem is not None
    assert problem.field == "name"
    assert words in problem.what
    assert problem.mend


@pytest.mark.parametrize("account_id", ["", "123456789012", "000000000000"])
def test_an_account_id_of_twelve_digits_or_none_is_accepted(account_id: str) -> None:
    assert account_id_problem(account_id) is None


@pytest.mark.parametrize(
    ("account_id", "words"),
    [
        ("12345678901", "11 digits instead of 12"),
        ("1234567890123", "13 digits instead of 12"),
        ("12345678901a", "not digits"),  # pragma: allowlist secret - a bad Account ID
        ("1234 5678 901", "not digits"),
        ("١٢٣٤٥٦٧٨٩٠١٢", "not digits"),
        ("123456789012\n", "not digits"),
    ],
)
def test_another_account_id_is_refused(account_id: str, words: str) -> None:
    problem = account_id_problem(account_id)
    assert problem is not None
    assert words in problem.what
    assert "12 digits" in problem.mend


@pytest.mark.parametrize("name", ["abc", "0-bills", "a" * 63, "bills-2026"])
def test_a_bucket_name_within_the_rule_is_accepted(name: str) -> None:
    assert bucket_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is missing"),
        ("my.bills", "has a dot"),
        ("192.168.0.1", "has a dot"),
        ("Bills", "has capital letters"),
        ("ab", "has 2 characters"),
        ("a" * 64, "has 64 characters"),
        ("-bills", "character that is not allowed"),
        ("bi_lls", "character that is not allowed"),
        ("bills\n", "character that is not allowed"),
        ("bîlls", "character that is not allowed"),
    ],
)
def test_another_bucket_name_is_refused(name: str, words: str) -> None:
    problem = bucket_name_problem(name)
    assert problem is not None
    assert words in problem.what
    assert "3 to 63 characters" in problem.mend


def test_a_right_form_has_no_problem() -> None:
    assert not _said(_projects(_row(), _row(region="us-east-2", account_id=""), proxy="https://u:p@proxy.test:3128"))
    assert not _said(_billing({"name": "bills", "region": "eu-west-2"}, {"name": "bills", "region": "us-east-2"}))


def test_a_form_without_rows_says_which_rows_are_missing() -> None:
    assert _said(_projects()) == {"projects": "There is no project row. Add at least one row."}
    assert _said(_billing()) == {"buckets": "There is no bucket. Add at least one row."}


def test_an_empty_form_names_every_empty_field() -> None:
    said = _said(CredentialsDraft(projects=[ProjectDraft()]))
    assert set(said) == {"name", "projects[0].access_key", "projects[0].secret_key", "projects[0].region"}
    assert all("missing" in text for text in said.values())
    said = _said(CredentialsDraft(billing_only=True, buckets=[BucketDraft(), BucketDraft()]))
    assert set(said) == {
        "name",
        "billing_access_key",
        "billing_secret_key",
        *(f"buckets[{row}].{field}" for row in (0, 1) for field in ("name", "region")),
    }
    assert all("missing" in text for text in said.values())


def test_problems_point_at_their_row() -> None:
    said = _said(_projects(_row(), _row(account_id="12345678901", region="mars-1")))
    assert set(said) == {"projects[1].account_id", "projects[1].region"}
    assert "mars-1 is not known here" in said["projects[1].region"]
    assert "eu-west-2, us-east-2" in said["projects[1].region"]


def test_the_retired_region_is_told_apart_and_not_offered() -> None:
    said = _said(_projects(_row(region="cn-southeast-1")))["projects[0].region"]
    assert "cn-southeast-1 - Hong Kong (retired) has been retired" in said
    assert "one of: eu-west-2, us-east-2." in said
    assert "retired" in _said(_billing({"name": "bills", "region": "cn-southeast-1"}))["buckets[0].region"]


def test_the_same_bucket_twice_is_noticed() -> None:
    bucket = {"name": "bills", "region": "eu-west-2"}
    assert _said(_billing(bucket, bucket)) == {
        "buckets[1].name": "The bucket bills in eu-west-2 is listed twice. Remove one of the rows."
    }


def test_a_wrong_proxy_is_a_problem_of_its_field_without_its_password() -> None:
    said = _said(_projects(_row(), proxy="http://joe:hunter2secret@proxy.test:3128"))
    assert set(said) == {"proxy"}
    assert "https://user:password@host:3128" in said["proxy"]
    assert "hunter2secret" not in said["proxy"]


@pytest.mark.parametrize("broken", ["S" * 20 + " " + "S" * 19, "S" * 20 + "\r\n" + "S" * 18])
def test_a_blank_or_line_end_inside_a_key_is_refused(broken: str) -> None:
    for said, field in (
        (_said(_projects(_row(secret_key=broken))), "projects[0].secret_key"),
        (_said(_projects(_row(access_key=broken))), "projects[0].access_key"),
        (_said(_billing({"name": "bills", "region": "eu-west-2"}, billing_secret_key=broken)), "billing_secret_key"),
    ):
        assert set(said) == {field}
        assert "blank or line end inside" in said[field]
        assert broken not in said[field]


@pytest.mark.parametrize("strange", ["\u200b", "\ufeff", "\x00", "\u0410"])  # the last one is a Cyrillic A
def test_a_character_that_no_request_can_carry_is_refused_in_a_key(strange: str) -> None:
    said = _said(_projects(_row(access_key="A" * 19 + strange)))
    assert "a character that no key has" in said["projects[0].access_key"]


def test_unusual_key_formats_are_a_hint_that_never_shows_the_key() -> None:
    assert unusual_key_formats(ACCESS_KEY, SecretStr(SECRET)) == []
    assert unusual_key_formats(ACCESS_KEY, SecretStr("")) == []
    said = " ".join(unusual_key_formats("AKIAexample", SecretStr("wJalrXUtnFEMI/EXAMPLE")))
    assert "11 characters" in said
    assert "21 characters" in said
    assert "wJalr" not in said
    assert not draft_problems(_projects(_row(access_key="AKIAexample")), REGIONS)


BLANKS = st.text(alphabet=" \t\r\n\u00a0", max_size=4)


@given(before=BLANKS, after=BLANKS, text=st.from_regex(r"[!-~]([ -~]*[!-~])?", fullmatch=True))
def test_blanks_around_every_value_are_dropped(before: str, after: str, text: str) -> None:
    pasted = before + text + after
    row = ProjectDraft.model_validate(dict.fromkeys(ProjectDraft.model_fields, pasted))
    bucket = BucketDraft(name=pasted, region=pasted)
    form = CredentialsDraft.model_validate(
        dict.fromkeys(("name", "proxy", "billing_access_key", "billing_secret_key"), pasted)
    )
    assert (row.access_key, row.account_id, row.region, bucket.name, bucket.region, form.name) == (text,) * 6
    secrets = (row.secret_key, form.proxy, form.billing_secret_key)
    assert [secret.get_secret_value() for secret in secrets] == [text] * 3
    assert ProjectDraft(secret_key=SecretStr(pasted)).secret_key.get_secret_value() == text


def test_an_absent_value_is_an_empty_one() -> None:
    draft = CredentialsDraft.model_validate({"name": None, "proxy": None, "projects": [{"account_id": None}]})
    assert (draft.name, draft.proxy.get_secret_value(), draft.projects[0].account_id) == ("", "", "")


@pytest.mark.parametrize(
    "fields",
    # pragma: allowlist nextline secret - made up
    [{"projects": [{"secret_kye": "TOPSECRET"}]}, {"billing_secret_key": ["TOPSECRET"]}, {"projects": "TOPSECRET"}],
)
def test_a_form_that_is_not_one_is_refused_without_its_secrets(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        CredentialsDraft.model_validate({"name": "demo"} | fields)
    assert "TOPSECRET" not in str(caught.value)


def test_a_draft_shows_no_secret() -> None:
    shown = repr(_projects(_row(secret_key="TOPSECRET"), proxy="https://u:TOPSECRET@h:1"))
    assert "TOPSECRET" not in shown
