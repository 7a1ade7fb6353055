"""The dashboard behind nginx, as `docs/nginx.conf` sets it up: TLS, websockets, sign-in, headers, limits."""

import shutil
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import trustme
from playwright.sync_api import Browser, expect

from core.settings import Settings
from dashboard.navigation import SCREENS
from tests.browser.conftest import ROOT, Dashboard, idle, started, visit
from tests.browser.signing_in import leave_provider, menu, sign_in
from tests.browser.visitor import visitor
from tests.conftest import free_ports
from tests.oidc import Provider

SAMPLE = ROOT / "docs" / "nginx.conf"


@dataclass
class Front:
    """nginx in front of a dashboard."""

    address: str
    plain: str
    dashboard: Dashboard
    provider: Provider
    trust: ssl.SSLContext

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, verify=self.trust, follow_redirects=False, timeout=20)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    plain, secure, behind = (free_ports(1) for _ in range(3))
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    sample = SAMPLE.read_text()
    for there, here in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443": f"listen 127.0.0.1:{secure}",
        "https://$http_host": f"https://localhost:{secure}",
        "onboarding.example.com;": "localhost;",
        "127.0.0.1:8501": f"127.0.0.1:{behind}",
        "/etc/ssl/onboarding/fullchain.pem": str(folder / "both.pem"),
        "/etc/ssl/onboarding/privkey.pem": str(folder / "both.pem"),
    }.items():
        assert there in sample, there
        sample = sample.replace(there, here)
    (folder / "onboarding.conf").write_text(sample)
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off; events {{}}\n"
        f"http {{ access_log off; {temporary}\ninclude {folder}/onboarding.conf; }}\n"
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert program, "nginx is missing; `make test` installs it"
    provider = Provider()
    address = f"https://localhost:{secure}"
    more = provider.environment(ONBOARDING_PUBLIC_ADDRESS=address, ONBOARDING_PORT=str(behind))
    with started(Settings(home=folder / "home"), ONBOARDING_SANDBOX="false", **more) as dashboard:
        nginx = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
        trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        running = Front(address, f"http://localhost:{plain}", dashboard, provider, trust)
        deadline = time.monotonic() + 20
        while True:
            assert nginx.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline
            try:
                with running.client() as client:
                    client.get("/_stcore/health")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield running
        nginx.terminate()
        assert nginx.wait(20) == 0
    provider.stop()


def test_people_sign_in_and_work_through_it(front: Front, browser: Browser) -> None:
    forging = {"X-Forwarded-For": "203.0.113.9"}
    with visitor(browser, ignore_https_errors=True, extra_http_headers=forging) as page:
        sockets: list[str] = []
        refused: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
        sign_in(page, front.address, "ada")
        expect(page.get_by_text("ada · administrator")).to_be_visible()
        for screen in SCREENS[1:]:
            visit(page, screen.title)
        assert sockets
        assert all(url.startswith(front.address.replace("https://", "wss://")) for url in sockets)
        assert refused == []
        cookies = page.context.cookies(front.address)
        assert {"_streamlit_user", "_streamlit_user_tokens"} <= {cookie["name"] for cookie in cookies}
        assert all(cookie["secure"] for cookie in cookies)
        assert all(cookie["httpOnly"] for cookie in cookies if cookie["name"].startswith("_streamlit_user"))
        menu(page, "ada")
        page.get_by_role("button", name="Sign out", exact=True).click()
        leave_provider(page, front.address)
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    with sqlite3.connect(front.dashboard.home / "onboarding.db") as database:
        addresses = database.execute("SELECT DISTINCT address FROM sign_in").fetchall()
    database.close()
    assert addresses == [("",)]  # this machine, whatever the browser says of itself


def test_somebody_in_hundreds_of_groups_gets_through(front: Front, browser: Browser) -> None:
    groups = [f"a-department-with-a-rather-long-name-{number}" for number in range(200)]
    front.provider.set_person("maxi", preferred_username="maxi", groups=[*groups, "finance"])
    with visitor(browser, ignore_https_errors=True) as page:
        sign_in(page, front.address, "maxi")
        expect(page.get_by_text("maxi · finance")).to_be_visible()
        page.reload()
        expect(page.get_by_text("maxi · finance")).to_be_visible()


def test_the_way_past_it_leads_to_no_sign_in(front: Front, browser: Browser) -> None:
    with visitor(browser) as page:
        page.goto(front.dashboard.address)
        idle(page)
        expect(page.get_by_text("The dashboard is opened at another address.")).to_be_visible()
        expect(page.get_by_role("link", name="Open it there")).to_have_attribute("href", front.address)


def test_every_answer_has_the_headers(front: Front) -> None:
    with front.client() as client:
        for path in ("/", "/costs", "/_stcore/health", "/media/none", "/downloads/none", "/_stcore/agent/interact"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval" not in policy
            assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
            assert headers["strict-transport-security"] == "max-age=31536000"
            assert headers.get_list("x-frame-options") == ["DENY"]
            assert headers.get_list("x-content-type-options") == ["nosniff"]
            assert headers.get_list("referrer-policy") == ["same-origin"]
            assert "nginx/" not in headers["server"]


def test_plain_http_leads_to_tls(front: Front) -> None:
    answer = httpx.get(f"{front.plain}/costs", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (301, f"{front.address}/costs")


def test_another_name_is_not_answered(front: Front) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(front.address.replace("localhost", "127.0.0.1"), verify=False)  # noqa: S501 - the name is what counts


def test_what_is_too_large_is_refused(front: Front) -> None:
    with front.client() as client:
        assert client.put("/_stcore/upload_file/a/b", content=bytes(12 << 20)).status_code == 413


def test_sign_ins_are_limited(front: Front) -> None:
    with front.client() as client:
        answers = [client.get("/oauth2callback?code=a&state=b") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {302, 429}
    assert all(answer.headers["location"] == "/?sign_in=stale" for answer in answers if answer.status_code == 302)
