"""One step of the walkthrough: what happens and why, its button, its answer, and what was sent for it."""

from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from core.domain.amounts import money
from core.domain.bill_lines import Field
from core.domain.costs import CostQuery, months_later
from core.outscale.recording import Exchange
from core.services.billing import BucketChoice
from core.services.bucket_pages import Search, page
from core.services.cost_compare import compare
from core.services.walkthrough import StepView, Tour, do_step
from core.services.walkthrough_steps import Answer, Step
from dashboard.navigation import link
from dashboard.session import actor, workspace
from dashboard.widgets import job
from dashboard.widgets.checks import show_checks
from dashboard.widgets.cost_chart import show_bars
from dashboard.widgets.facts import show_facts
from dashboard.widgets.problems import above
from dashboard.widgets.text import safe, size, sized, time_column
from dashboard.widgets.walkthrough_words import MEND, WORDS

JOB = "walkthrough.step"
ANSWER = "walkthrough.answer"
PLACE = "walkthrough.place"
"""The step that is shown; without it, the next one."""
MONTHS = 6
FOLDERS = 8


def show_step(tour: Tour, step: Step, *, notes: bool) -> None:
    """Show a step of the tour, and do it when its button is pressed."""
    view, words = tour.view(step), WORDS[step]
    _take_answer()
    number = list(Step).index(step) + 1
    st.header(f"{number}. {words.title}")
    st.markdown(_badge(tour, view))
    st.markdown(words.text)
    if notes:
        st.info(f"**Presenter:** {words.note}", icon=":material/co_present:")
    failed = _failed(step)
    if view.facts or step is Step.REQUEST:
        show_facts(view.facts, border=True)
    _action(tour, view, failed)
    job.watch(JOB, words.unit, "Asking the sandbox …")
    if failed:
        above(failed.problem)
        if failed.checks:
            show_checks(failed.checks, f"walkthrough.failed.{step}")
    _answer(tour, view)
    if view.requests:
        _requests(view)


def go_to(step: Step) -> None:
    """Show another step."""
    st.session_state[PLACE] = step.value


def _badge(tour: Tour, view: StepView) -> str:
    if view.done:
        return ":green-badge[:material/check_circle: Done]"
    if view.refused:
        return ":gray-badge[:material/block: Not for your role]"
    if tour.mistaken and view.step is Step.MISTAKE:
        return ":red-badge[:material/error: To be mended]"
    if view.blocked_by:
        return ":gray-badge[:material/schedule: Later]"
    return ":blue-badge[:material/play_circle: Next]"


def _action(tour: Tour, view: StepView, failed: Answer | None) -> None:
    """The button of the step, or the way to the step that comes before or after it."""
    step, words = view.step, WORDS[view.step]
    if view.refused:
        st.caption(safe(view.refused))
    with st.container(horizontal=True):
        if not view.done and view.blocked_by:
            before = WORDS[view.blocked_by].title
            st.button(f"First: {before}", icon=":material/arrow_back:", on_click=go_to, args=(view.blocked_by,))
        elif not view.done and not view.refused:
            mending = tour.mistaken and step is Step.MISTAKE
            label = MEND if mending else "Try again" if failed else words.action
            icon = "build" if mending else "refresh" if failed else words.icon
            busy = job.running(JOB) or tour.problem is not None
            if st.button(label, type="primary", icon=f":material/{icon}:", disabled=busy):
                _begin(step)
        following = list(Step)[list(Step).index(step) + 1 :]
        if following and (view.done or view.refused):
            title = WORDS[following[0]].title
            st.button(
                f"Next: {title}",
                type="primary" if view.done else "secondary",
                icon=":material/arrow_forward:",
                on_click=go_to,
                args=following[:1],
            )
        if view.done:
            link(words.screen, f"Open {words.screen.title}")


def _begin(step: Step) -> None:
    st.session_state.pop(ANSWER, None)
    go_to(step)
    who, opened = actor(), workspace()
    job.begin(JOB, lambda progress, stop: (step, do_step(who, opened, step, progress=progress, stop=stop)))
    st.rerun()


def _take_answer() -> None:
    ended = job.finished(JOB)
    if ended is not None:
        st.session_state[ANSWER] = ended
        st.rerun()  # the tour stands otherwise now than when this run of the screen began


def _failed(step: Step) -> Answer | None:
    """What went wrong when the step was tried last."""
    tried: tuple[Step, Answer] | None = st.session_state.get(ANSWER)
    return tried[1] if tried and tried[0] is step and tried[1].problem and not job.running(JOB) else None


def _answer(tour: Tour, view: StepView) -> None:
    """What came of a step, as the screens show it."""
    if view.checks and (view.done or view.step is Step.MISTAKE):
        if view.step is Step.MISTAKE:
            st.markdown("**What the check said of the wrong Region**")
        show_checks(view.checks, f"walkthrough.{view.step}")
    if view.done and view.step is Step.BUCKET and tour.choice:
        _folders(tour.choice)
    if view.done and view.step is Step.COSTS and tour.bills:
        _costs(tour)


def _folders(choice: BucketChoice) -> None:
    found = page(actor(), workspace(), choice, Search(sort="modified", descending=True), 0, FOLDERS)
    st.caption(f"{found.total_folders} folders, {found.total_objects:,} files, {size(found.total_size)}. The newest:")
    st.dataframe(
        sized(
            pd.DataFrame(
                {
                    "Folder": [one.prefix for one in found.folders],
                    "Files": [one.objects for one in found.folders],
                    "Size": [one.size for one in found.folders],
                    "Changed": pd.Series([one.modified for one in found.folders], dtype="datetime64[us, UTC]"),
                }
            )
        ),
        hide_index=True,
        alt="The newest folders of the bucket",
        column_config={"Changed": time_column()},
    )


def _costs(tour: Tour) -> None:
    assert tour.bills  # noqa: S101 - asked by the caller
    last = tour.bills[1]
    until = months_later(last, 1)
    where = {Field.ACCOUNT: tour.accounts} if tour.accounts else {}
    query = CostQuery(since=months_later(last, 1 - MONTHS), until=until, where=where)
    compared = compare(actor(), workspace(), query, "service", "month")
    for currency in compared.currencies:
        st.metric(f"The last {MONTHS} months of bills", money(compared.total(currency), currency))
        show_bars(compared, currency, "Service")


def _requests(view: StepView) -> None:
    kept = view.requests
    said = "1 request" if view.sent == 1 else f"{view.sent} requests"
    with st.expander(f"What was sent: {said}", icon=":material/data_object:"):
        wanted = WORDS[view.step].call
        first = next((place for place, one in enumerate(kept) if one.call == wanted), 0)
        chosen = st.selectbox(
            "Request",
            range(len(kept)),
            index=first,
            format_func=lambda place: f"{place + 1}. {kept[place].call} · {kept[place].status}",
            key=f"walkthrough.request.{view.step}",
        )
        if view.sent > len(kept):
            st.caption(f"The first {len(kept)} are kept.")
        one = kept[chosen or 0]
        st.markdown("Sent, with secret and signature masked")
        # Plain: Streamlit's colours for a language cannot be read well (2.6 to 1), and no theme changes them.
        st.code(_as_sent(one), language=None, wrap_lines=True)
        st.markdown(f"Answered with {one.status}")
        st.code(one.answer or "(the content of a file)", language=None, wrap_lines=True)


def _as_sent(one: Exchange) -> str:
    parts = urlsplit(one.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc} | one.headers
    lines = [f"{one.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(lines) + (f"\n\n{one.body}" if one.body else "")
