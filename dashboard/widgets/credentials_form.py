"""The form "Add credentials": its fields, kept over page changes, and what they hold. Secrets are not kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from pydantic import SecretStr

from core.domain.credentials import (
    ACCESS_KEY_RULE,
    ACCOUNT_ID_RULE,
    BUCKET_REGION_RULE,
    BUCKET_RULE,
    NAME_RULE,
    REGION_RULE,
    SECRET_KEY_RULE,
    BucketDraft,
    CredentialsDraft,
    FieldProblem,
    ProjectDraft,
)
from core.domain.proxy import PROXY_FORM, PROXY_RULE
from core.domain.regions import DEFAULT_REGION, RegionCatalog
from core.services.onboarding import CheckReport
from core.services.views import CredentialsDetails
from dashboard.widgets.problems import beside
from dashboard.widgets.text import safe

_STATE = "credentials_form"


@dataclass
class Form:
    """What the screen remembers of the form besides its fields. `number` makes the fields of a new form new; `rows`
    and `buckets` are the numbers of the rows on it; `stored` is what is edited, None for new credentials."""

    number: int = 0
    next_row: int = 1
    rows: list[int] = field(default_factory=lambda: [0])
    buckets: list[int] = field(default_factory=lambda: [0])
    stored: CredentialsDetails | None = None
    report: CheckReport | None = None
    problems: list[FieldProblem] = field(default_factory=list)

    def key(self, name: str, row: int | None = None) -> str:
        """The session state's key of a field."""
        return f"form{self.number}.{name}" + ("" if row is None else f".{row}")


def current_form() -> Form:
    """The form of this session."""
    form: Form = st.session_state.setdefault(_STATE, Form())
    return form


def new_form() -> Form:
    """An empty form in place of the one before."""
    old = current_form()
    for key in [key for key in st.session_state if str(key).startswith(f"form{old.number}.")]:
        del st.session_state[key]
    form = Form(number=old.number + 1)
    st.session_state[_STATE] = form
    return form


def edit_form(details: CredentialsDetails) -> None:
    """The form filled with stored credentials; secrets stay sealed, their fields blank."""
    form = new_form()
    form.stored = details
    form.rows = list(range(len(details.projects)))
    form.buckets = list(range(len(details.buckets)))
    form.next_row = max(len(form.rows), len(form.buckets))
    state = st.session_state
    state[form.key("name")] = details.name
    state[form.key("billing_only")] = details.billing_only
    state[form.key("billing_access_key")] = details.billing_access_key or ""
    for row, project in enumerate(details.projects):
        state[form.key("access_key", row)] = project.access_key
        state[form.key("account_id", row)] = project.account_id
        state[form.key("region", row)] = project.region
    for row, bucket in enumerate(details.buckets):
        state[form.key("bucket", row)] = bucket.name
        state[form.key("bucket_region", row)] = bucket.region


def forget_secrets() -> None:
    """Drop what was typed into the fields of secrets, and what was carried into them."""
    form = current_form()
    fields = tuple(form.key(name) for name in ("secret_key", "billing_secret_key", "proxy"))
    for key in [key for key in st.session_state if str(key).startswith(fields)]:
        del st.session_state[key]


def carry_key(access_key: str, secret_key: SecretStr, account_id: str, region: str) -> None:
    """Put a newly created key into the form of new credentials, in its first row that has no access key."""
    form = current_form() if current_form().stored is None else new_form()
    state = st.session_state
    row = next((row for row in form.rows if not state.get(form.key("access_key", row))), None)
    if row is None:
        row = add_row(form, form.rows)
    state[form.key("billing_only")] = False
    state[form.key("access_key", row)] = access_key
    state[form.key("secret_key", row)] = secret_key.get_secret_value()
    state[form.key("account_id", row)] = account_id
    state[form.key("region", row)] = region


def add_row(form: Form, rows: list[int]) -> int:
    """Add an empty row and give its number."""
    row = form.next_row
    form.next_row += 1
    rows.append(row)
    return row


def _row_button(form: Form, rows: list[int]) -> None:
    def add() -> None:
        add_row(form, rows)

    st.button("Add a row", icon=":material/add:", on_click=add, key=form.key("add"))


def show_fields(
    form: Form,
    regions: RegionCatalog,
    name_problem: Callable[[str], FieldProblem | None],
    *,
    billing_always: bool = False,
) -> CredentialsDraft:
    """Show the form with what is wrong beside each field. Returns what it holds now. `name_problem` says at once what
    is wrong with the name of new credentials; with `billing_always` they are billing-only ones."""
    editing = form.stored is not None
    if billing_always:
        st.session_state[form.key("billing_only")] = True
    wide, narrow = st.columns([2, 1])
    with wide:
        name = _text(form, "name", "Credentials name *", placeholder="my-account-paris", disabled=editing)
        st.caption(f"{NAME_RULE} Must be unique, and cannot be changed later.")
        said = [problem for problem in form.problems if problem.field == "name"]
        now = None if editing or said else name_problem(name.strip())
        beside([*said, now] if now else said, "name")
    narrow.text_input("Provider", "OUTSCALE", disabled=True, key=form.key("provider"))
    billing_only = st.checkbox(
        "Billing only",
        key=form.key("billing_only"),
        persist_state="session",
        disabled=editing or billing_always,
        help="For finance: a billing key and the buckets that bills are delivered to, and nothing else.",
    )
    if billing_only:
        return _billing_fields(form, regions, name)
    return _project_fields(form, regions, name)


def _project_fields(form: Form, regions: RegionCatalog, name: str) -> CredentialsDraft:
    st.header("Project credentials *")
    beside(form.problems, "projects")
    projects = []
    for index, row in enumerate(form.rows):
        where = f"projects[{index}]"
        with st.container(border=True):
            _row_header(form, form.rows, row, index)
            key, secret, account, region = st.columns([3, 3, 2, 3])
            with key:
                access_key = _text(form, "access_key", "Access key", row=row, help=ACCESS_KEY_RULE)
                beside(form.problems, f"{where}.access_key")
            with secret:
                secret_key = _secret(form, "secret_key", "Secret key", row=row, help=SECRET_KEY_RULE)
                beside(form.problems, f"{where}.secret_key")
            with account:
                account_id = _text(form, "account_id", "Account ID", row=row, help=ACCOUNT_ID_RULE)
                beside(form.problems, f"{where}.account_id")
            with region:
                chosen = _region(form, "region", row, regions)
                beside(form.problems, f"{where}.region")
        projects.append(
            ProjectDraft(access_key=access_key, secret_key=secret_key, account_id=account_id, region=chosen)
        )
    _row_button(form, form.rows)
    stored = form.stored.proxy if form.stored else None
    proxy = _secret(form, "proxy", "Proxy", placeholder=stored or PROXY_FORM)
    st.caption(safe(PROXY_RULE))
    if stored:
        st.checkbox("Remove the stored proxy", key=form.key("remove_proxy"))
    beside(form.problems, "proxy")
    return CredentialsDraft(name=name, projects=projects, proxy=proxy)


def _billing_fields(form: Form, regions: RegionCatalog, name: str) -> CredentialsDraft:
    left, right = st.columns(2)
    with left:
        access_key = _text(form, "billing_access_key", "Billing access key *", help=ACCESS_KEY_RULE)
        beside(form.problems, "billing_access_key")
    with right:
        secret_key = _secret(form, "billing_secret_key", "Billing secret key *", help=SECRET_KEY_RULE)
        beside(form.problems, "billing_secret_key")
    st.header("Buckets *")
    beside(form.problems, "buckets")
    buckets = []
    for index, row in enumerate(form.buckets):
        where = f"buckets[{index}]"
        with st.container(border=True):
            _row_header(form, form.buckets, row, index)
            left, right = st.columns(2)
            with left:
                bucket = _text(form, "bucket", "Name", row=row, help=BUCKET_RULE)
                beside(form.problems, f"{where}.name")
            with right:
                region = _region(form, "bucket_region", row, regions)
                beside(form.problems, f"{where}.region")
        buckets.append(BucketDraft(name=bucket, region=region))
    _row_button(form, form.buckets)
    return CredentialsDraft(
        name=name, billing_only=True, billing_access_key=access_key, billing_secret_key=secret_key, buckets=buckets
    )


def _text(
    form: Form,
    name: str,
    label: str,
    *,
    row: int | None = None,
    placeholder: str | None = None,
    help: str | None = None,
    disabled: bool = False,
) -> str:
    return str(
        st.text_input(
            label,
            key=form.key(name, row),
            placeholder=placeholder,
            help=help,
            disabled=disabled,
            autocomplete="off",
            persist_state="session",
        )
    )


def _secret(
    form: Form, name: str, label: str, *, row: int | None = None, placeholder: str = "", help: str | None = None
) -> SecretStr:
    stays = "Stored; blank keeps it" if form.stored else ""
    typed = st.text_input(
        label,
        key=form.key(name, row),
        type="password",
        placeholder=placeholder or stays,
        autocomplete="new-password",
        help=help,
        live=True,  # leaving the field towards its own eye button commits nothing
    )
    return SecretStr(typed or "")


def _region(form: Form, name: str, row: int, regions: RegionCatalog) -> str:
    names = list(regions)
    key = form.key(name, row)
    if key not in st.session_state:
        st.session_state[key] = DEFAULT_REGION if DEFAULT_REGION in regions else next(iter(names), "")
    if st.session_state[key] not in names:  # none may be chosen, or stored for a Region that is not known now
        names.append(st.session_state[key])
    return str(
        st.selectbox(
            "Region",
            names,
            key=key,
            format_func=lambda one: str(regions[one]) if one in regions else f"{one or 'None'} - not known now",
            persist_state="session",
            help=BUCKET_REGION_RULE if name == "bucket_region" else REGION_RULE,
        )
    )


def _row_header(form: Form, rows: list[int], row: int, index: int) -> None:
    """The row's number, and the button that removes it. A single row stays."""
    if len(rows) == 1:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**Row {index + 1}**", width="content")
        st.button(
            "Remove",
            key=form.key("remove", row),
            icon=":material/remove:",
            type="tertiary",
            help=f"Remove row {index + 1}",
            on_click=rows.remove,
            args=(row,),
        )
