"""The credentials form: what a person hands in, and its rules."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from core.domain.proxy import PROXY_FORM, parse_proxy
from core.domain.regions import RegionCatalog

NAME_LENGTH = 20
NAME_RULE = "Up to 20 characters: lowercase letters without accents, digits and dashes."
ACCESS_KEY_RULE = "Usually 20 capital letters and digits. It must be ACTIVE."
# pragma: allowlist nextline secret - a rule for people
SECRET_KEY_RULE = "Usually 40 capital letters and digits, shown once when the key was created."  # noqa: S105
ACCOUNT_ID_FORM = "12 digits, as in Cockpit and in OUTSCALE's letter."
ACCOUNT_ID_RULE = "12 digits. Leave it empty to have it filled in from the key."
REGION_RULE = "The one that the account lives in: a key signs nothing elsewhere."
BUCKET_REGION_RULE = "The one that the bucket is in; its name is unique there alone."
BUCKET_RULE = "3 to 63 characters: lowercase letters, digits and hyphens, beginning with a letter or digit."

_NAME = re.compile(r"[a-z0-9-]{1,20}")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_ACCESS_KEY = re.compile(r"[A-Z0-9]{20}")
_SECRET_KEY = re.compile(r"[A-Z0-9]{40}")


def _trimmed(value: object) -> object:
    """Pasted text often brings blanks or a line end along."""
    if isinstance(value, SecretStr):
        return SecretStr(value.get_secret_value().strip())
    return value.strip() if isinstance(value, str) else value


def _text(value: object) -> object:
    return "" if value is None else _trimmed(value)


Text = Annotated[str, BeforeValidator(_text)]
Secret = Annotated[SecretStr, BeforeValidator(_text)]


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ProjectDraft(_Draft):
    """A project row: one access key of one account in one Region."""

    access_key: Text = ""
    secret_key: Secret = SecretStr("")
    account_id: Text = ""
    region: Text = ""


class BucketDraft(_Draft):
    """A bucket row of billing-only credentials."""

    name: Text = ""
    region: Text = ""


class CredentialsDraft(_Draft):
    """The form as handed in, by screen or file. Blanks around every value are dropped. With `billing_only`, the
    billing key and the buckets count; without it, the project rows and the proxy."""

    name: Text = ""
    billing_only: bool = False
    projects: list[ProjectDraft] = []
    proxy: Secret = SecretStr("")
    billing_access_key: Text = ""
    billing_secret_key: Secret = SecretStr("")
    buckets: list[BucketDraft] = []


class FieldProblem(BaseModel):
    """What is wrong with a field and what to do. `field` is its path: `name`, `projects[0].account_id`."""

    model_config = ConfigDict(frozen=True)

    field: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} {self.mend}"


def name_problem(name: str) -> FieldProblem | None:
    """Check a credentials name against the platform's rule (facts, section 9)."""
    if not name:
        return FieldProblem(field="name", what="The name is missing.", mend=NAME_RULE)
    if len(name) > NAME_LENGTH:
        return FieldProblem(
            field="name", what=f"The name has {len(name)} characters; 20 is the most.", mend="Shorten it."
        )
    if _NAME.fullmatch(name):
        return None
    wrong = next(letter for letter in name if not _NAME.fullmatch(letter))
    if unicodedata.combining(wrong) or unicodedata.normalize("NFD", wrong) != wrong:
        what = f"The name has a letter with an accent: {unicodedata.normalize('NFC', _around(name, wrong))}."
    elif wrong.isupper():
        what = f"The name has a capital letter: {wrong}."
    elif wrong.isspace():
        what = "The name has a blank in it."
    else:
        what = f"The name has a character that is not allowed: {wrong}"
    return FieldProblem(field="name", what=what, mend=NAME_RULE)


def _around(name: str, wrong: str) -> str:
    """The letter that is wrong, with the one before it when it is an accent on its own."""
    at = name.index(wrong)
    return name[max(0, at - 1) : at + 1] if unicodedata.combining(wrong) else wrong


def account_id_problem(account_id: str, field: str = "account_id") -> FieldProblem | None:
    """Check an Account ID; empty is allowed, it is filled in by the check (facts, section 2)."""
    if not account_id or _ACCOUNT_ID.fullmatch(account_id):
        return None
    if account_id.isascii() and account_id.isdigit():
        what = f"The Account ID has {len(account_id)} digits instead of 12."
    else:
        what = "The Account ID has characters that are not digits."
    return FieldProblem(field=field, what=what, mend=ACCOUNT_ID_RULE)


def bucket_name_problem(name: str, field: str = "name") -> FieldProblem | None:
    """Check a bucket name against the rule of OUTSCALE Object Storage, stricter than elsewhere: no dots
    (OUTSCALE documentation, About Buckets; facts, section 6)."""
    if _BUCKET.fullmatch(name):
        return None
    if not name:
        what = "The bucket's name is missing."
    elif "." in name:
        what = f"The bucket name {name} has a dot."
    elif any(letter.isupper() for letter in name):
        what = f"The bucket name {name} has capital letters."
    elif not 3 <= len(name) <= 63:
        what = f"The bucket name {name} has {len(name)} characters."
    else:
        what = f"The bucket name {name} has a character that is not allowed there."
    return FieldProblem(field=field, what=what, mend=f"OUTSCALE's rule: {BUCKET_RULE}")


def unusual_key_formats(access_key: str, secret_key: SecretStr) -> list[str]:
    """Say what is unusual about a key pair: known keys have 20 and 40 capital letters and digits, but no document
    promises it (facts, section 2), so this is a hint and no refusal. An empty secret is not looked at."""
    secret = secret_key.get_secret_value()
    said = []
    if not _ACCESS_KEY.fullmatch(access_key):
        said.append(f"the access key has {len(access_key)} characters, not 20 capital letters and digits")
    if secret and not _SECRET_KEY.fullmatch(secret):
        said.append(f"the secret key has {len(secret)} characters, not 40 capital letters and digits")
    return said


def _missing(field: str, label: str) -> FieldProblem:
    return FieldProblem(field=field, what=f"{label} is missing.", mend="Paste it here.")


def key_problems(where: str, label: str, access_key: str, secret_key: SecretStr) -> Iterator[FieldProblem]:
    """Everything about a key pair that no header could carry. `where` is the path before the fields' names, `label`
    whose key it is."""
    secret = secret_key.get_secret_value()
    if not access_key:
        yield _missing(f"{where}access_key", f"{label}'s access key")
    if not secret:
        yield _missing(f"{where}secret_key", f"{label}'s secret key")
    for field, name, value in (
        ("access_key", "access key", access_key),
        ("secret_key", "secret key", secret),
    ):
        if any(letter.isspace() for letter in value):
            yield FieldProblem(
                field=where + field,
                what=f"{label}'s {name} has a blank or line end inside.",
                mend="Paste it again.",
            )
        elif not (value.isascii() and value.isprintable()):
            # A request's header could not carry it.
            yield FieldProblem(
                field=where + field,
                what=f"{label}'s {name} has a character that no key has, perhaps an invisible one.",
                mend="Paste it again, from the key's creation window itself.",
            )


def region_problem(field: str, name: str, regions: RegionCatalog) -> FieldProblem | None:
    """Check that a Region is known here and not retired."""
    region = regions.get(name)
    offered = ", ".join(region.name for region in regions.open)
    if region is None:
        what = f"The Region {name} is not known here." if name else "The Region is missing."
        return FieldProblem(field=field, what=what, mend=f"Choose one of: {offered}.")
    if region.retired:
        return FieldProblem(
            field=field,
            what=f"The Region {region} has been retired by OUTSCALE.",
            mend=f"Choose one of: {offered}.",
        )
    return None


def draft_problems(draft: CredentialsDraft, regions: RegionCatalog) -> list[FieldProblem]:
    """Everything that is wrong with the form itself, before any check asks OUTSCALE. What the check answers line by
    line (key formats, bucket names) is not repeated here."""
    problems: list[FieldProblem | None] = [name_problem(draft.name)]
    if draft.billing_only:
        problems += key_problems("billing_", "The billing account", draft.billing_access_key, draft.billing_secret_key)
        if not draft.buckets:
            problems.append(FieldProblem(field="buckets", what="There is no bucket.", mend="Add at least one row."))
        for index, bucket in enumerate(draft.buckets):
            where = f"buckets[{index}]."
            if not bucket.name:
                problems.append(bucket_name_problem("", where + "name"))
            problems.append(region_problem(where + "region", bucket.region, regions))
            if bucket.name and bucket in draft.buckets[:index]:
                problems.append(
                    FieldProblem(
                        field=where + "name",
                        what=f"The bucket {bucket.name} in {bucket.region} is listed twice.",
                        mend="Remove one of the rows.",
                    )
                )
    else:
        if not draft.projects:
            problems.append(
                FieldProblem(field="projects", what="There is no project row.", mend="Add at least one row.")
            )
        for index, project in enumerate(draft.projects):
            where = f"projects[{index}]."
            problems += key_problems(where, f"Row {index + 1}", project.access_key, project.secret_key)
            problems.append(account_id_problem(project.account_id, where + "account_id"))
            problems.append(region_problem(where + "region", project.region, regions))
        problems.append(proxy_problem(draft.proxy))
    return [problem for problem in problems if problem]


def proxy_problem(proxy: SecretStr) -> FieldProblem | None:
    """Check a proxy's URL; empty is allowed."""
    if not proxy.get_secret_value():
        return None
    try:
        parse_proxy(proxy.get_secret_value())
    except ValueError as error:
        return FieldProblem(field="proxy", what=str(error), mend=f"For example {PROXY_FORM.replace('port', '3128')}")
    return None
