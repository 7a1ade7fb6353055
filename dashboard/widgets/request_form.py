"""The form of a request for an account, or for a copy of one. What was typed stays over page changes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import streamlit as st

from core.domain.credentials import FieldProblem
from core.domain.regions import DEFAULT_REGION
from core.domain.requests import COPIED, LABELS, NEWSLETTER, NOT_COPIED, RULES, TERMS, TERMS_PAGE, RequestDraft
from core.services.request_views import RequestView, Source, copy_sources
from dashboard.session import actor, regions, workspace
from dashboard.widgets.problems import beside

Kind = Literal["new", "copy"]

_STATE = "request_form"


@dataclass
class RequestForm:
    """What the screen remembers of the form besides its fields. `number` makes the fields of a new form new; `stored`
    is the draft that is edited, None for a new request, and `seen` when it was last changed as the person saw it."""

    kind: Kind
    number: int
    stored: str | None = None
    seen: datetime | None = None
    problems: list[FieldProblem] = field(default_factory=list)

    def key(self, name: str) -> str:
        """The session state's key of a field."""
        return f"request{self.number}.{name}"


def open_form() -> RequestForm | None:
    """The form that is open, if one is."""
    form: RequestForm | None = st.session_state.get(_STATE)
    return form


def begin_form(kind: Kind, source: tuple[str, str] | None = None) -> RequestForm:
    """An empty form in place of the one before. `source`: account ID and Region of the account to copy."""
    close_form()
    number = st.session_state["request_form.number"] = st.session_state.get("request_form.number", 0) + 1
    form = st.session_state[_STATE] = RequestForm(kind, number)
    if source:
        st.session_state[form.key("source")] = source
    return form


def edit_request(view: RequestView) -> None:
    """The form filled with a draft."""
    draft = view.draft
    form = begin_form(draft.kind, (draft.from_account_id, draft.from_region) if draft.kind == "copy" else None)
    form.stored, form.seen = view.id, view.modified
    for name in ("region", *LABELS, "terms_accepted", "newsletter"):
        st.session_state[form.key(name)] = getattr(draft, name)


def close_form() -> None:
    """Forget the form and what was typed."""
    form: RequestForm | None = st.session_state.pop(_STATE, None)
    if form:
        for key in [key for key in st.session_state if str(key).startswith(form.key(""))]:
            del st.session_state[key]


def show_fields(form: RequestForm) -> RequestDraft:
    """Show the form with what is wrong beside each field. Returns what it holds now."""
    return _copy_fields(form) if form.kind == "copy" else _new_fields(form)


def _new_fields(form: RequestForm) -> RequestDraft:
    # A row after the other, so that Tab and a telephone go the way that one reads.
    left, right = st.columns(2)
    with left:
        full_name = _text(form, "full_name", autocomplete="name")
    with right:
        job_title = _text(form, "job_title", autocomplete="organization-title")
    left, right = st.columns(2)
    with left:
        company = _text(form, "company", autocomplete="organization")
    with right:
        email = _text(form, "email", autocomplete="email")
    left, right = st.columns(2)
    with left:
        phone = _text(form, "phone", autocomplete="tel", placeholder="+33 1 23 45 67 89")
    with right:
        region = _region(form)
    subject = _text(form, "subject")
    description = _description(form, f"{LABELS['description']} *")
    terms = st.checkbox(f"{TERMS} *", key=form.key("terms_accepted"), persist_state="session")
    st.markdown(f"[Read the terms]({TERMS_PAGE}). The date is kept with the request.")
    beside(form.problems, "terms_accepted")
    newsletter = st.checkbox(NEWSLETTER, key=form.key("newsletter"), persist_state="session")
    return RequestDraft(
        region=region,
        full_name=full_name,
        job_title=job_title,
        company=company,
        email=email,
        phone=phone,
        subject=subject,
        description=description,
        terms_accepted=terms,
        newsletter=newsletter,
    )


def _copy_fields(form: RequestForm) -> RequestDraft:
    st.markdown(f":green[:material/check: {COPIED}]  \n:orange[:material/block: {NOT_COPIED}]")
    left, right = st.columns(2)
    with left:
        source = _source(form)
        full_name = _text(form, "full_name", label="Your full name *", autocomplete="name")
    with right:
        region = _region(form, leave_out=source.region)
        email = _text(form, "email", label="Your email *", autocomplete="email")
    phone = _text(form, "phone", label="Your phone number", autocomplete="tel", placeholder="+33 1 23 45 67 89")
    description = _description(form, "Anything to add")
    return RequestDraft(
        kind="copy",
        region=region,
        from_account_id=source.account_id,
        from_region=source.region,
        full_name=full_name,
        company=source.company,
        email=email,
        phone=phone,
        description=description,
    )


def _source(form: RequestForm) -> Source:
    known = {(one.account_id, one.region): one for one in copy_sources(actor(), workspace())}
    key = form.key("source")
    chosen = st.session_state.get(key)
    if chosen and chosen not in known:  # of a draft whose account was forgotten here since
        known[chosen] = Source(chosen[0], chosen[1], email="", company="")
    place = st.selectbox(
        "Account to copy *",
        list(known),
        key=key,
        persist_state="session",
        format_func=lambda one: " · ".join(filter(None, (*one, known[one].company or known[one].email))),
        placeholder="No account is known here",
    )
    beside(form.problems, "from_account_id")
    beside(form.problems, "from_region")
    return known[place] if place else Source("", "", "", "")


def _region(form: RequestForm, leave_out: str = "") -> str:
    known, key = regions(), form.key("region")
    names = [region.name for region in known.open if region.name != leave_out]
    if st.session_state.get(key) not in names:
        st.session_state[key] = DEFAULT_REGION if DEFAULT_REGION in names else next(iter(names), None)
    chosen = st.selectbox(
        "Region wanted *",
        names,
        key=key,
        format_func=lambda name: str(known[name]),
        persist_state="session",
        help=RULES["region"],
    )
    beside(form.problems, "region")
    return chosen or ""


def _text(form: RequestForm, name: str, *, label: str = "", autocomplete: str = "off", placeholder: str = "") -> str:
    typed = st.text_input(
        label or f"{LABELS[name]} *",
        key=form.key(name),
        autocomplete=autocomplete,
        placeholder=placeholder,
        persist_state="session",
        help=RULES[name],
    )
    beside(form.problems, name)
    return str(typed)


def _description(form: RequestForm, label: str) -> str:
    typed = st.text_area(
        label, key=form.key("description"), height=120, persist_state="session", help=RULES["description"]
    )
    beside(form.problems, "description")
    return str(typed)
