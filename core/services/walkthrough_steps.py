"""The steps of the walkthrough, each done by the services that the screens use."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from sqlmodel import select

from core.domain.actor import Actor
from core.domain.checks import CheckResult
from core.domain.credentials import BucketDraft, CredentialsDraft, FieldProblem, ProjectDraft
from core.domain.requests import RequestDraft
from core.sandbox.info import read_info
from core.sandbox.places import CSV_BUCKET, EAST, WEST
from core.services import bill_pull, bucket_index, key_intents
from core.services.access_keys import create_key, list_keys
from core.services.billing import BucketChoice
from core.services.doors import Opened, close_door, demo_sign_in, open_with_password
from core.services.key_rules import DEFAULT_LIFE, latest_day
from core.services.onboarding import add_credentials, check_draft
from core.services.request_answers import poll_answers
from core.services.request_views import RequestView, show_request
from core.services.requests import save_draft, send
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent
from core.store.tables.walkthrough import Walkthrough

TAG = "Walkthrough"
"""The tag of the tour's access key."""
ANSWER_SECONDS = 60
"""So long the sandbox's answer to a request is waited for."""
Progress = Callable[[int, int, CheckResult | str], None]


class Step(StrEnum):
    """A step of the tour. They come in this order."""

    REQUEST = "request"
    GRANT = "grant"
    CONFIRM = "confirm"
    KEY = "key"
    CREDENTIALS = "credentials"
    MISTAKE = "mistake"
    BILLING = "billing"
    BUCKET = "bucket"
    COSTS = "costs"


@dataclass(frozen=True)
class Answer:
    """What became of a step: what is wrong, or nothing. `checks`: what was found. `told`: what is stored nowhere else
    and shown later."""

    problem: FieldProblem | None = None
    checks: list[CheckResult] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """A step under way."""

    actor: Actor
    workspace: Workspace
    tour: Walkthrough
    progress: Progress
    stop: threading.Event

    def keep(self, **columns: str) -> None:
        """Write down at once what the step made, so that it is known as the tour's whatever comes."""
        with changing(self.actor, self.workspace, "walkthrough.made") as change:
            row = change.session.get_one(Walkthrough, self.tour.id)
            for name, value in columns.items():
                setattr(row, name, value)
                setattr(self.tour, name, value)
            change.record(self.tour.mark, made=columns)


def name_of(tour: Walkthrough) -> str:
    """What the tour's project credentials are called."""
    return f"tour-{tour.mark}"


def choice_of(tour: Walkthrough) -> BucketChoice:
    """The billing bucket that the tour browses."""
    return BucketChoice(f"{name_of(tour)}-bills", CSV_BUCKET, tour.region)


def request_of(mark: str) -> RequestDraft:
    """What the tour asks for."""
    return RequestDraft(
        region=WEST,
        full_name="Ada van Dijk",
        job_title="Head of cloud",
        company="Tidewater Works",
        email=f"cloud@tour-{mark}.example",
        phone="+33 1 23 45 67 89",
        subject="An account for our water levels",
        description="Buoys send water levels, and we keep them for ten years.",
        terms_accepted=True,
    )


def do(step: Step, work: Work) -> Answer:
    """Do a step that is not done yet."""
    return _STEPS[step](work)


def _request(work: Work) -> Answer:
    view = _asked(work)
    if view is None:
        saved = save_draft(work.actor, work.workspace, request_of(work.tour.mark))
        if saved.request is None:
            return Answer(saved.problems[0])
        view = saved.request
        work.keep(request_id=view.id)
    sent = send(work.actor, work.workspace, view.id, again=view.unsure)
    return Answer(sent.problems[0] if sent.problems else None)


def _grant(work: Work) -> Answer:
    until = time.monotonic() + ANSWER_SECONDS
    while (view := _asked(work)) and view.state == "sent":
        left = until - time.monotonic()
        if left < 0 or work.stop.is_set():
            return Answer(_problem("The sandbox has not answered yet.", "Look again in a moment."))
        work.progress(int(ANSWER_SECONDS - left), ANSWER_SECONDS, "Waiting for the sandbox's answer")
        poll_answers(work.actor, work.workspace)
        work.stop.wait(0.5)
    if view and view.state == "refused":
        return Answer(_problem(f"The request was refused. {view.notes}", "Start over."))
    return Answer()


def _confirm(work: Work) -> Answer:
    opened = _open(work)
    if opened.door:
        close_door(opened.door)
    return Answer(opened.problem)


def _key(work: Work) -> Answer:
    opened = _open(work)
    if opened.door is None:
        return Answer(opened.problem)
    try:
        intent = _waiting_intent(work)
        if intent is None:
            listed = list_keys(work.actor, work.workspace, opened.door)
            if listed.problem:
                return Answer(listed.problem)
            day = (now() + DEFAULT_LIFE).date()
            expires = min(day, latest_day(listed.longest_life) or day)
            created = create_key(work.actor, work.workspace, opened.door, expires=expires, tag=TAG)
            if created.key is None:
                return Answer(created.problem)
            work.keep(access_key=created.key.access_key_id)
            intent = created.intent
        key_intents.take(work.actor, work.workspace, intent, account_id=_account_id(work), sealed=True)
    finally:
        close_door(opened.door)
    return Answer()


def _credentials(work: Work) -> Answer:
    return _added(work, _project(work, work.tour.region))


def _mistake(work: Work) -> Answer:
    """The first time the mistake is made, the second time it is mended."""
    if not work.tour.told.get(Step.MISTAKE, {}).get("seen"):
        draft = _project(work, EAST)
        report = check_draft(work.actor, work.workspace, draft, editing=True, progress=work.progress, stop=work.stop)
        if report.problems or report.stopped or not report.failures:
            stopped = _problem("The check was stopped, or found nothing wrong.", "Try it again.")
            return Answer(report.problems[0] if report.problems else stopped, report.results)
        return Answer(told={"seen": [one.model_dump(mode="json") for one in report.results]})
    answer = _added(work, _project(work, work.tour.region), editing=True)
    return answer if answer.problem else Answer(told={"mended": now().isoformat()})


def _billing(work: Work) -> Answer:
    keys = (read_info(work.workspace.settings) or {}).get("billing", [])
    if not keys:
        return Answer(_problem("The sandbox has no billing key.", "Start the sandbox over: onboarding sandbox reset"))
    choice = choice_of(work.tour)
    draft = CredentialsDraft(
        name=choice.credentials,
        billing_only=True,
        billing_access_key=keys[0]["access_key_id"],
        billing_secret_key=SecretStr(keys[0]["secret_key"]),
        buckets=[BucketDraft(name=choice.bucket, region=choice.region)],
    )
    return _added(work, draft)


def _bucket(work: Work) -> Answer:
    choice = choice_of(work.tour)

    def seen(objects: int, size: int) -> None:
        work.progress(0, 0, f"{objects:,} files so far")

    listed = bucket_index.refresh(work.actor, work.workspace, choice, seen, work.stop)
    if listed.stopped:
        return Answer(_problem("The listing was stopped.", "List the bucket again."))
    return Answer(listed.problem, told={} if listed.problem else {"done": now().isoformat()})


def _costs(work: Work) -> Answer:
    report = bill_pull.pull(work.actor, work.workspace, [choice_of(work.tour)], progress=work.progress, stop=work.stop)
    if report.problems:
        return Answer(report.problems[0])
    if report.stopped or report.failed:
        what = f"{report.failed} files could not be read." if report.failed else "The reading was stopped."
        return Answer(_problem(what, "Read the bills again: what was read stays."))
    return Answer(told={"done": now().isoformat()})


_STEPS: dict[Step, Callable[[Work], Answer]] = {
    Step.REQUEST: _request,
    Step.GRANT: _grant,
    Step.CONFIRM: _confirm,
    Step.KEY: _key,
    Step.CREDENTIALS: _credentials,
    Step.MISTAKE: _mistake,
    Step.BILLING: _billing,
    Step.BUCKET: _bucket,
    Step.COSTS: _costs,
}


def _problem(what: str, mend: str) -> FieldProblem:
    return FieldProblem(field="form", what=what, mend=mend)


def _asked(work: Work) -> RequestView | None:
    return show_request(work.actor, work.workspace, work.tour.request_id)


def _account_id(work: Work) -> str:
    view = _asked(work)
    return view.granted_account_id if view else ""


def _open(work: Work) -> Opened:
    """Confirm the account's password, which the sandbox tells: it stands in for the person who has the letter."""
    found = demo_sign_in(work.workspace, work.tour.region, _account_id(work))
    if found is None:
        what = "The sandbox has no such account: it was started over since."
        return Opened(problem=_problem(what, "Start the tour over too."))
    return open_with_password(work.actor, work.workspace, *found, work.tour.region)


def _waiting_intent(work: Work) -> str | None:
    """The intention of the tour's key, when it was created and its secret waits still."""
    wanted = select(KeyIntent.id).where(
        KeyIntent.access_key == work.tour.access_key,
        KeyIntent.region == work.tour.region,
        KeyIntent.outcome == "created",
    )
    with looking(work.actor, work.workspace, "walkthrough.key") as session:
        return session.exec(wanted).first() if work.tour.access_key else None


def _project(work: Work, region: str) -> CredentialsDraft:
    """The tour's project credentials, for this Region. The secret is blank: it is sealed here already."""
    row = ProjectDraft(access_key=work.tour.access_key, account_id=_account_id(work), region=region)
    return CredentialsDraft(name=name_of(work.tour), projects=[row])


def _added(work: Work, draft: CredentialsDraft, *, editing: bool = False) -> Answer:
    """Check the draft, and store it when nothing failed."""
    report = check_draft(work.actor, work.workspace, draft, editing=editing, progress=work.progress, stop=work.stop)
    if report.problems:
        return Answer(report.problems[0])
    if not report.complete:
        what = "The check was stopped." if report.stopped else "Not every check passed, so nothing was stored."
        return Answer(_problem(what, "See what failed, then try again."), report.results)
    added = add_credentials(work.actor, work.workspace, draft, report, editing=editing)
    if added.id is None:
        return Answer(added.problems[0], report.results)
    work.keep(**{"bills_id" if draft.billing_only else "credentials_id": added.id})
    return Answer()
