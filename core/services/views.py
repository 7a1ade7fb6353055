"""What use cases give to screens and the terminal: values without secrets."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.domain.checks import CheckResult, State


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProjectView(_View):
    """A stored project row; the secret key stays sealed."""

    access_key: str
    account_id: str
    region: str


class BucketView(_View):
    """A stored bucket row."""

    name: str
    region: str


class CredentialsView(_View):
    """Stored credentials as the list shows them. Times are UTC with their zone."""

    id: str
    name: str
    billing_only: bool
    enabled: bool
    state: State
    regions: list[str]
    accounts: list[str]
    modified: datetime
    created: datetime
    checked: datetime | None

    @property
    def kind(self) -> str:
        """`Projects` or `Billing only`."""
        return "Billing only" if self.billing_only else "Projects"


class EventView(_View):
    """One line of what was done."""

    at: datetime
    actor: str
    via: str
    action: str
    subject: str
    outcome: str
    details: dict[str, Any]


class CredentialsDetails(CredentialsView):
    """Stored credentials with all there is to see. `proxy` is the URL with its password masked."""

    projects: list[ProjectView]
    proxy: str | None
    billing_access_key: str | None
    buckets: list[BucketView]
    checks: list[CheckResult]
    events: list[EventView]
