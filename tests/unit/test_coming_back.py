"""Where a browser is led after a sign-in: to a screen of this dashboard, and to nothing else."""

import pytest
from starlette.requests import Request

from dashboard.coming_back import back, remember

OURS = "https://dashboard.example"


def request(**headers: str) -> Request:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw})


def led(cookie: str) -> str:
    return back(request(cookie=f"onboarding_came_from={cookie}"))


def test_the_screen_and_what_its_address_says() -> None:
    header = remember(request(referer=f"{OURS}/costs?view=Files&sign_in=denied&file=a%2Fb%3Bc"), OURS)
    value, *rest = header.split("; ")
    assert value == "onboarding_came_from=/costs?view=Files&file=a%2Fb%3Bc"
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/oauth2callback"} <= set(rest)
    assert led(value.split("=", 1)[1]) == "/costs?view=Files&file=a%2Fb%3Bc"


@pytest.mark.parametrize(
    "referer",
    ["", "https://evil.example/costs", "https://dashboard.example.evil/costs", f"{OURS}/", f"{OURS}/auth/login"],
)
def test_from_elsewhere_nothing_is_kept(referer: str) -> None:
    assert remember(request(referer=referer), OURS) == ""


@pytest.mark.parametrize(
    "cookie",
    ["", "//evil.example/costs", "https://evil.example/costs", "/\\evil.example", "/costs/../x", "javascript:x"],
)
def test_a_made_up_cookie_leads_nowhere(cookie: str) -> None:
    assert led(cookie) == ""


def test_what_is_too_long_leads_to_the_screen() -> None:
    assert led("/costs?view=" + "x" * 3_000) == "/costs"
    assert "\r" not in led("/costs?view=%0d%0aSet-Cookie:x") and "%0D%0A" in led("/costs?view=%0d%0aSet-Cookie:x")
