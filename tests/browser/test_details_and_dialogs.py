"""What a screen opens, details and dialogs: axe finds nothing serious there, and each fits a telephone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.tables.accounts import AccountRequest
from tests.browser.conftest import Dashboard, idle, pick, press, started
from tests.browser.looking import Watch, still
from tests.conftest import Sandbox

Place = dict[str, str]


@pytest.fixture(scope="module")
def opened(lived_in: Settings) -> Iterator[Dashboard]:
    with started(lived_in) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(browser: Browser) -> Iterator[Page]:
    """One browser for all: it has read the program once."""
    with still(browser) as page:
        yield page


@pytest.fixture(scope="module")
def at(lived_in: Settings, session_sandbox: Sandbox) -> Place:
    """Addresses of what there is, by short names."""
    account, billing = session_sandbox.info["accounts"][0], session_sandbox.info["billing"][0]
    bucket = billing["buckets"][0]
    workspace = open_workspace(lived_in)
    with workspace.store.reading() as session:
        requests = {one.subject: one.id for one in session.exec(select(AccountRequest))}
    workspace.close()
    there = f"{account['account_id']}.{account['region']}"
    return {
        "credentials": "credentials?opened=harbour-both-regions",
        "edited": "add_credentials?edit=harbour-both-regions",
        "edited-billing": "add_credentials?edit=demo-bills",
        "account": f"accounts?account={there}",
        "keys": f"access_keys?account={there}&search={account['access_keys'][0]['access_key_id']}",
        "bucket": f"billing_buckets?bucket={bucket['name']}.{bucket['region']}",
        "draft": f"request_account?opened={requests['For measurements']}",
        "sent": f"request_account?opened={requests['Of long ago']}",
        "budgets": "costs?view=Budgets",
        "reconcile": "costs?view=Reconcile",
    }


def _tab(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("tab", name=name).click()


def _in_tab(tab: str, label: str) -> Callable[[Page], None]:
    def open_it(page: Page) -> None:
        page.get_by_role("tab", name=tab).click()
        press(page, label)

    return open_it


def _button(label: str) -> Callable[[Page], None]:
    return lambda page: press(page, label)


def _until(button: str, said: str) -> Callable[[Page], None]:
    def send(page: Page) -> None:
        press(page, button)
        expect(page.get_by_text(said).first).to_be_visible()

    return send


def _of_a_key(label: str) -> Callable[[Page], None]:
    def open_it(page: Page) -> None:
        expect(page.get_by_text("OUTSCALE allows 10 keys a user")).to_be_visible()
        idle(page)
        pick(page.get_by_test_id("stDataFrame").last, 0)
        expect(page.get_by_role("button", name=label, exact=True)).to_be_enabled()
        press(page, label)

    return open_it


def _nothing(page: Page) -> None:
    idle(page)


LOOKED_AT: list[tuple[str, str, Callable[[Page], None]]] = [
    ("credentials", "checks", _nothing),
    ("credentials", "content", _tab("Content")),
    ("credentials", "delete", _button("Delete")),
    ("credentials", "reveal", _button("Reveal a secret")),
    ("edited", "form", _nothing),
    ("edited-billing", "form", _nothing),
    ("account", "details", _nothing),
    ("account", "ways", _tab("Authentication methods")),
    ("account", "events", _tab("Events")),
    ("account", "keypairs", _in_tab("Keypairs", "Read keypairs")),
    ("account", "keypair-create", _in_tab("Keypairs", "Create keypair")),
    ("account", "keypair-import", _in_tab("Keypairs", "Import public key")),
    ("account", "add", _button("Add by hand")),
    ("account", "read", _button("Read from a key")),
    ("account", "edit", _button("Edit")),
    ("account", "forget", _button("Forget")),
    ("keys", "create", _button("Create")),
    ("keys", "change", _of_a_key("Change")),
    ("keys", "rotate", _of_a_key("Rotate")),
    ("keys", "deactivate", _of_a_key("Deactivate")),
    ("keys", "delete", _of_a_key("Delete")),
    ("draft", "details", _nothing),
    ("draft", "notes", _tab("Notes")),
    ("draft", "delete", _button("Delete")),
    ("sent", "granted", _button("Granted …")),
    ("sent", "refused", _button("Refused …")),
    ("sent", "remind", _button("Remind")),
    ("budgets", "unfinished", _until("Set", "It is not said on what")),
    ("reconcile", "done", _until("Reconcile", "Difference")),
]


@pytest.mark.parametrize(("place", "name", "open_it"), LOOKED_AT, ids=lambda one: one if isinstance(one, str) else "")
def test_it_can_be_read_and_used(
    opened: Dashboard, visitor: Page, at: Place, place: str, name: str, open_it: Callable[[Page], None]
) -> None:
    page = visitor
    watch = Watch(page, opened.address.removeprefix("http://"))
    page.goto(f"{opened.address}/{at[place]}")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
    idle(page)
    open_it(page)
    watch.look(f"opened-{place}-{name}", widths=(390,))
    assert not watch.wrong, "\n".join(watch.wrong)
