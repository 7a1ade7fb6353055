"""Accounts: the form of one that is added by hand, and what its data at OUTSCALE may be changed to."""

from collections.abc import Mapping

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict

from core.domain.credentials import FieldProblem, Text, account_id_problem, region_problem
from core.domain.regions import RegionCatalog

OUTSCALE_FIELDS = {
    "Email": "Email",
    "AdditionalEmails": "Additional emails",
    "CompanyName": "Company",
    "VatNumber": "VAT number",
    "FirstName": "First name",
    "LastName": "Last name",
    "JobTitle": "Job title",
    "PhoneNumber": "Phone number",
    "MobileNumber": "Mobile number",
    "City": "City",
    "ZipCode": "ZIP code",
    "StateProvince": "State or province",
    "Country": "Country",
}
"""What UpdateAccount changes, in the API's own names, and how a form calls it (API reference, UpdateAccount)."""
DATA_LABELS = {
    "AccountId": "Account ID",
    "CustomerId": "Customer ID",
    **OUTSCALE_FIELDS,
    "OutscaleLoginAllowed": "OUTSCALE's support may sign in",
}
"""What ReadAccounts tells, in the API's own names, and how a screen calls it."""
PHONES = ("PhoneNumber", "MobileNumber")

USED_FOR = {
    "password": "Used mainly for graphical user interfaces, such as Cockpit.",  # pragma: allowlist secret - a text
    "access_keys": "Used mainly for APIs and command lines: they sign requests.",
    "keypairs": "Used to connect to instances by SSH.",
}
"""The authentication methods of an account (OUTSCALE, Managing your Account: Authentication)."""
TAG_RULE = "A word for people on what the key is for, 255 characters at most. OUTSCALE keeps it."
# pragma: allowlist nextline secret - a rule for people
PASSWORD_RULE = "At least 17 characters, with small letters, capital letters, digits and special characters."  # noqa: S105
"""Cockpit's rule (OUTSCALE documentation, About Password Protection)."""


class AccountDraft(BaseModel):
    """An account as it is added by hand. Blanks around every value are dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_id: Text = ""
    region: Text = ""
    email: Text = ""
    company: Text = ""
    owner: Text = ""
    notes: Text = ""


def account_problems(draft: AccountDraft, regions: RegionCatalog) -> list[FieldProblem]:
    """Everything that is wrong with the form itself."""
    number = account_id_problem(draft.account_id)
    if number or not draft.account_id:
        what = number.what if number else "The Account ID is missing."
        number = FieldProblem(field="account_id", what=what, mend="Type its 12 digits, as Cockpit shows them.")
    problems = [number, region_problem("region", draft.region, regions), email_problem(draft.email)]
    return [problem for problem in problems if problem]


def email_problem(email: str, field: str = "email") -> FieldProblem | None:
    """Check the form of an email address; empty is allowed. Nobody is asked whether it exists."""
    if not email:
        return None
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError as error:
        return FieldProblem(
            field=field, what=f"This is not an email address. {error}", mend="Type it as in name@company.com."
        )
    return None


def phone_problem(phone: str, field: str) -> FieldProblem | None:
    """Check the form of a phone number, which begins with its country's code; empty is allowed."""
    if not phone:
        return None
    try:
        possible = phonenumbers.is_possible_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        possible = False
    if possible:
        return None
    mend = "Write it with the country's code, as in +33 1 23 45 67 89."
    return FieldProblem(field=field, what=f"This is not a phone number: {phone}", mend=mend)


def account_changes(changes: Mapping[str, object]) -> tuple[dict[str, str | list[str]], list[FieldProblem]]:
    """What UpdateAccount is to be sent, in the API's own names and without blanks around values, and what is wrong with
    it. `AdditionalEmails` is a list, everything else text."""
    wanted: dict[str, str | list[str]] = {}
    problems: list[FieldProblem | None] = []
    for name, value in changes.items():
        if name not in OUTSCALE_FIELDS:
            mend = f"It can be one of: {', '.join(OUTSCALE_FIELDS)}."
            problems.append(FieldProblem(field=name, what="OUTSCALE lets nobody change this field.", mend=mend))
        elif name == "AdditionalEmails" and isinstance(value, list) and all(isinstance(one, str) for one in value):
            emails = [one.strip() for one in value if one.strip()]
            wanted[name] = emails
            problems += [email_problem(one, name) for one in emails]
        elif name != "AdditionalEmails" and isinstance(value, str):
            wanted[name] = value.strip()
        else:
            kind = "a list of texts" if name == "AdditionalEmails" else "text"
            problems.append(FieldProblem(field=name, what=f"This is not {kind}.", mend="Write it in quotes."))
    if "Email" in wanted:
        email = str(wanted["Email"])
        missing = FieldProblem(
            field="Email", what="The email is missing.", mend="Type the one that the account signs in with."
        )
        problems.append(email_problem(email, "Email") if email else missing)
    problems += [phone_problem(str(wanted.get(name, "")), name) for name in PHONES]
    return wanted, [problem for problem in problems if problem]
