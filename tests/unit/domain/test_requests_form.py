"""The request form: every bad input has its own words, and the letters hold what was written."""

from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.regions import Region, RegionCatalog
from core.domain.requests import (
    COPIED,
    LENGTHS,
    LINK_LENGTH,
    NOT_COPIED,
    RequestDraft,
    draft_problems,
    granted_id_problem,
    reminder_mail,
    request_mail,
    request_problems,
)

ACCEPTED = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def _region(name: str, *, retired: bool = False) -> Region:
    return Region(
        name=name, label="City", api=f"https://api.{name}.test/api/v1", oos=f"https://oos.{name}.test", retired=retired
    )


REGIONS = RegionCatalog([_region("eu-west-2"), _region("us-east-2"), _region("cn-southeast-1", retired=True)])
NEW = {
    "region": "eu-west-2",
    "full_name": "Ada van Dijk",
    "job_title": "Head of cloud",
    "company": "Harbour & Söhne",
    "email": "ada@company.example",
    "phone": "+33 1 23 45 67 89",
    "subject": "A cloud account",
    "description": "For measurements.\nAbout 10 machines.",
    "terms_accepted": True,
}
COPY = {
    "kind": "copy",
    "region": "us-east-2",
    "from_account_id": "123456789012",
    "from_region": "eu-west-2",
    "full_name": "Ada van Dijk",
    "email": "ada@company.example",
}


def said(form: dict, **changes: object) -> dict[str, str]:
    draft = RequestDraft.model_validate(form | changes)
    return {problem.field: str(problem) for problem in request_problems(draft, REGIONS)}


def test_good_forms_have_no_problem() -> None:
    assert said(NEW) == {}
    assert said(COPY) == {}
    assert said(COPY, from_region="cn-southeast-1") == {}, "a copy may leave a retired Region"
    assert RequestDraft(email="  ada@company.example\n").email == "ada@company.example"


@pytest.mark.parametrize(
    "field", ["full_name", "job_title", "company", "email", "phone", "subject", "description", "region"]
)
def test_what_is_missing_is_named(field: str) -> None:
    assert list(said(NEW, **{field: "  "})) == [field]


def test_terms_and_newsletter() -> None:
    assert "outscale.com" in said(NEW, terms_accepted=False)["terms_accepted"]
    assert said(NEW, newsletter=True) == {}
    assert said(COPY, terms_accepted=False) == {}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "ada@company", "period"),
        ("email", "ada company.example", "@"),
        ("email", "ada@company.example\nBcc: x@y.example", "one line"),
        ("phone", "01 23 45 67 89", "country's code"),
        ("phone", "+33 1", "country's code"),
        ("phone", "ring me", "country's code"),
        ("region", "cn-southeast-1", "retired"),
        ("region", "mars-1", "not known"),
        ("subject", "one\nBcc: other@company.example", "one line"),
        ("full_name", "Ada\x00", "control character"),
        ("description", "a\x1bb", "control character"),
        ("description", "x" * 4001, "4000 is the most"),
    ],
)
def test_bad_input_has_its_own_words(field: str, value: str, words: str) -> None:
    assert words in said(NEW, **{field: value})[field]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"from_account_id": ""}, "from_account_id", "missing"),
        ({"from_account_id": "12345"}, "from_account_id", "12 digits"),
        ({"from_region": "mars-1"}, "from_region", "eu-west-2"),
        ({"region": "eu-west-2"}, "region", "already"),
        ({"email": ""}, "email", "missing"),
    ],
)
def test_a_copy_needs_its_source_and_another_region(changes: dict, field: str, words: str) -> None:
    assert words in said(COPY, **changes)[field]


@pytest.mark.parametrize("field", LENGTHS)
def test_a_draft_may_be_unfinished_but_not_endless(field: str) -> None:
    assert draft_problems(RequestDraft()) == []
    (problem,) = draft_problems(RequestDraft.model_validate({field: "x" * (LENGTHS[field] + 1)}))
    assert problem.field == field


def test_the_account_id_of_an_answer() -> None:
    assert granted_id_problem("123456789012") is None
    for wrong in ("", "123", "12345678901x"):
        problem = granted_id_problem(wrong)
        assert problem and "12 digits" in problem.mend


def test_the_letter_holds_everything() -> None:
    mail = request_mail(RequestDraft.model_validate(NEW), "sales@outscale.example", ACCEPTED)
    for value in [value for value in NEW.values() if isinstance(value, str) and value != NEW["subject"]]:
        assert value in mail.body
    assert (mail.to, mail.subject, mail.reply_to) == ("sales@outscale.example", NEW["subject"], NEW["email"])
    assert "2026-03-04 05:06 UTC" in mail.body
    assert "Newsletter: no" in mail.body
    assert mail.text.startswith("To: sales@outscale.example\nSubject: A cloud account\n\nHello,")


def test_a_copy_says_what_is_copied_and_what_is_not() -> None:
    draft = RequestDraft.model_validate(COPY)
    mail = request_mail(draft, "support@outscale.example", None)
    assert COPIED in mail.body and NOT_COPIED in mail.body
    assert "123456789012" in mail.subject and "us-east-2" in mail.subject
    assert "Newsletter" not in mail.body
    reminder = reminder_mail(draft, "support@outscale.example", ACCEPTED)
    assert reminder.subject == f"Reminder: {mail.subject}"
    assert "2026-03-04" in reminder.body


def test_the_link_holds_the_letter_while_it_can() -> None:
    draft = RequestDraft.model_validate(NEW | {"subject": "50 % & more? #1 +2"})
    mail = request_mail(draft, "sales@outscale.example", ACCEPTED)
    link = urlsplit(mail.link)
    fields = parse_qs(link.query, strict_parsing=True)
    assert (link.scheme, link.path, link.fragment) == ("mailto", "sales@outscale.example", "")
    assert fields["subject"] == [mail.subject]
    assert fields["body"][0].replace("\r\n", "\n") == mail.body.rstrip("\n")
    assert "+" not in link.query, "a mail program would show a plus sign for a blank"
    long = request_mail(draft.model_copy(update={"description": "ü" * 2000}), "sales@outscale.example", ACCEPTED)
    assert not long.link_has_body
    assert "body" not in long.link


@given(st.text(max_size=300), st.text(max_size=100))
def test_whatever_passes_fits_a_letter(description: str, subject: str) -> None:
    draft = RequestDraft.model_validate(NEW | {"description": description, "subject": subject})
    if request_problems(draft, REGIONS):
        return
    mail = request_mail(draft, "sales@outscale.example", ACCEPTED)
    assert len(mail.link) <= LINK_LENGTH
    assert unquote(parse_qs(urlsplit(mail.link).query)["subject"][0]) is not None
    letter = EmailMessage()
    letter["Subject"] = mail.subject
    letter.set_content(mail.body)
    assert letter.as_bytes()
