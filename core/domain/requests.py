"""The request for a cloud account, or for a copy of one to another Region: the form, its rules and its letters."""

import unicodedata
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict

from core.domain.accounts import email_problem, phone_problem
from core.domain.credentials import FieldProblem, Text, account_id_problem, region_problem
from core.domain.regions import RegionCatalog

LABELS = {
    "full_name": "Full name",
    "job_title": "Job title",
    "company": "Company name",
    "email": "Email",
    "phone": "Phone number",
    "subject": "Subject",
    "description": "Description",
}
"""The fields of OUTSCALE's own form, in its order (facts, section 9)."""
TERMS = "I confirm that I have read and accepted the General Terms and Conditions of Sale"
TERMS_PAGE = "https://en.outscale.com/terms-of-service/"
NEWSLETTER = "I accept to register to the OUTSCALE newsletter"
COPIED = "The personal information of the account is copied."
NOT_COPIED = "Not copied: resources, keypairs, EIM users and access keys. The copy is an account of its own."
"""What a copy to another Region holds (OUTSCALE documentation, About Your Account)."""

LENGTHS = {
    "region": 63,
    "from_account_id": 64,
    "from_region": 63,
    "full_name": 128,
    "job_title": 128,
    "company": 128,
    "email": 254,
    "phone": 64,
    "subject": 200,
    "description": 4000,
}
RULES = {
    "full_name": "Who asks, as OUTSCALE is to address them.",
    "job_title": "What they do in the company.",
    "company": "Whose account it will be.",
    "email": "OUTSCALE's answer goes there. Nobody is asked whether it exists.",
    "phone": "With the country's code, such as +33 1 23 45 67 89.",
    "subject": f"One line, {LENGTHS['subject']} characters at most.",
    "description": f"What you need the account for, in a few lines; {LENGTHS['description']} characters at most.",
    "region": "Where the account will live. It cannot be moved later, only copied.",
}
"""What each field wants, in a line."""
NEEDED = {"new": tuple(LABELS), "copy": ("full_name", "email")}
"""Which fields must be filled in, by kind."""
LINK_LENGTH = 2000
"""What a `mailto:` address may have: Windows hands no more than 2,083 letters to a mail program."""


class RequestDraft(BaseModel):
    """The form as handed in, by screen or file; it may be unfinished. Blanks around every value are dropped. `region`
    is the wanted one. The `from_` fields and nothing about terms belong to a copy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["new", "copy"] = "new"
    region: Text = ""
    from_account_id: Text = ""
    from_region: Text = ""
    full_name: Text = ""
    job_title: Text = ""
    company: Text = ""
    email: Text = ""
    phone: Text = ""
    subject: Text = ""
    description: Text = ""
    terms_accepted: bool = False
    newsletter: bool = False


class Mail(BaseModel):
    """A letter that is ready. An answer to it goes to `reply_to`."""

    model_config = ConfigDict(frozen=True)

    to: str
    subject: str
    body: str
    reply_to: str

    @property
    def text(self) -> str:
        """The letter for copying by hand."""
        return f"To: {self.to}\nSubject: {self.subject}\n\n{self.body}"

    @property
    def link(self) -> str:
        """The letter as a `mailto:` address (RFC 6068), without its body when that makes it too long."""
        return self._address(self.body) if self.link_has_body else self._address("")

    @property
    def link_has_body(self) -> bool:
        """Whether the whole letter fits into `link`."""
        return len(self._address(self.body)) <= LINK_LENGTH

    def _address(self, body: str) -> str:
        fields = {"subject": self.subject} | ({"body": "\r\n".join(body.splitlines())} if body else {})
        return f"mailto:{quote(self.to, safe='@')}?{urlencode(fields, quote_via=quote)}"


def draft_problems(draft: RequestDraft) -> list[FieldProblem]:
    """What is wrong even with a draft that is only kept: too long, or with signs that no letter can hold."""
    problems = []
    for field, most in LENGTHS.items():
        value, label = getattr(draft, field), _label(field)
        if len(value) > most:
            what = f"{label} has {len(value)} characters; {most} is the most."
            problems.append(FieldProblem(field=field, what=what, mend="Shorten it."))
        elif field == "description" and _odd(value.replace("\r", "").replace("\n", "").replace("\t", "")):
            what = f"{label} has a control character."
            problems.append(FieldProblem(field=field, what=what, mend="Type it again, or paste it as plain text."))
        elif field != "description" and _odd(value):
            what = f"{label} has a line end or a control character inside."
            problems.append(FieldProblem(field=field, what=what, mend="Write it on one line."))
    return problems


def request_problems(draft: RequestDraft, regions: RegionCatalog) -> list[FieldProblem]:
    """Everything that keeps the request from being sent. Nobody is asked whether the email or the phone exists."""
    problems: list[FieldProblem | None] = [*draft_problems(draft)]
    problems += [
        FieldProblem(field=field, what=f"{_label(field)} is missing.", mend="Fill it in.")
        for field in NEEDED[draft.kind]
        if not getattr(draft, field)
    ]
    problems += [email_problem(draft.email), phone_problem(draft.phone, "phone")]
    problems.append(region_problem("region", draft.region, regions))
    if draft.kind == "copy":
        problems += _source_problems(draft, regions)
    elif not draft.terms_accepted:
        what, mend = (
            "The General Terms and Conditions of Sale are not accepted.",
            f"Read them at {TERMS_PAGE}, then tick it.",
        )
        problems.append(FieldProblem(field="terms_accepted", what=what, mend=mend))
    first: dict[str, FieldProblem] = {}  # one finding a field is enough to mend it
    for problem in problems:
        if problem:
            first.setdefault(problem.field, problem)
    return list(first.values())


def granted_id_problem(account_id: str) -> FieldProblem | None:
    """Check the Account ID that a request was granted with."""
    what = "The Account ID is missing."
    if account_id:
        problem = account_id_problem(account_id)
        if problem is None:
            return None
        what = problem.what
    return FieldProblem(field="account_id", what=what, mend="Type the 12 digits that OUTSCALE's answer names.")


def request_subject(draft: RequestDraft) -> str:
    """What the request is called, on the letter and in lists."""
    if draft.kind == "copy":
        return f"Copy of account {draft.from_account_id} to {draft.region}"
    return draft.subject


def request_mail(draft: RequestDraft, to: str, accepted: datetime | None) -> Mail:
    """The letter that asks. `accepted`: when the terms were accepted, UTC."""
    if draft.kind == "copy":
        asked = (
            f"Please copy our account {draft.from_account_id} of the Region {draft.from_region} "
            f"to the Region {draft.region}."
        )
        parts = [asked, _contact(draft), draft.description, f"{COPIED}\n{NOT_COPIED}"]
    else:
        asked = f"We would like to have a cloud account in the Region {draft.region}."
        moment = f"{accepted:%Y-%m-%d %H:%M} UTC" if accepted else "not yet"
        terms = f"General Terms and Conditions of Sale accepted: {moment}\nNewsletter: "
        parts = [asked, _contact(draft), draft.description, terms + ("yes" if draft.newsletter else "no")]
    return _letter(draft, to, request_subject(draft), parts)


def reminder_mail(draft: RequestDraft, to: str, sent: datetime) -> Mail:
    """The letter that asks for an answer to a request that was sent at `sent`, UTC."""
    subject = request_subject(draft)
    asked = f"On {sent:%Y-%m-%d} we sent you the request “{subject}” for the Region {draft.region}."
    parts = [f"{asked} We have no answer yet. Could you tell us how it stands?", _contact(draft)]
    return _letter(draft, to, f"Reminder: {subject}", parts)


def _letter(draft: RequestDraft, to: str, subject: str, parts: list[str]) -> Mail:
    paragraphs = ["Hello,", *(part for part in parts if part), f"Kind regards\n{draft.full_name}"]
    return Mail(to=to, subject=subject, body="\n\n".join(paragraphs) + "\n", reply_to=draft.email)


def _contact(draft: RequestDraft) -> str:
    fields = ("full_name", "job_title", "company", "email", "phone")
    return "\n".join(f"{LABELS[field]}: {getattr(draft, field)}" for field in fields if getattr(draft, field))


def _source_problems(draft: RequestDraft, regions: RegionCatalog) -> list[FieldProblem | None]:
    """A copy may well leave a Region that has been retired."""
    problems: list[FieldProblem | None] = []
    if not draft.from_account_id or account_id_problem(draft.from_account_id):
        what = (
            "The ID of the account to copy is not one of 12 digits."
            if draft.from_account_id
            else "The account to copy is missing."
        )
        mend = "Choose the account to copy, or type the 12 digits of its Account ID."
        problems.append(FieldProblem(field="from_account_id", what=what, mend=mend))
    if draft.from_region not in regions:
        what = "The Region of the account to copy is missing or not known here."
        problems.append(FieldProblem(field="from_region", what=what, mend=f"It can be one of: {', '.join(regions)}."))
    elif draft.from_region == draft.region:
        what = f"The account is in {draft.region} already."
        problems.append(FieldProblem(field="region", what=what, mend="Choose another Region."))
    return problems


def _label(field: str) -> str:
    return LABELS.get(field, "Account ID" if field == "from_account_id" else "Region")


def _odd(text: str) -> bool:
    return any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in text)
