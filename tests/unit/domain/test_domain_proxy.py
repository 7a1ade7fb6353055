"""The proxy URL of the form: `https://user:password@host:port`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from core.domain.proxy import ProxyUrl, parse_proxy


def _parts(text: str) -> tuple[str, str, str, int]:
    proxy = parse_proxy(text)
    return proxy.user, proxy.password.get_secret_value(), proxy.host, proxy.port


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://joe:pw@proxy.test:3128", ("joe", "pw", "proxy.test", 3128)),
        ("  https://joe:pw@proxy.test:3128\n", ("joe", "pw", "proxy.test", 3128)),
        ("https://joe:pw@proxy.test:3128/", ("joe", "pw", "proxy.test", 3128)),
        ("HTTPS://joe:pw@Proxy.Test:443", ("joe", "pw", "proxy.test", 443)),
        ("https://joe:p@ss@proxy.test:3128", ("joe", "p@ss", "proxy.test", 3128)),
        ("https://joe:p@:s:s@10.0.0.1:1", ("joe", "p@:s:s", "10.0.0.1", 1)),
        ("https://joe:p%40ss%2F%3F%23%25@proxy.test:65535", ("joe", "p@ss/?#%", "proxy.test", 65535)),
        ("https://j%C3%A9:pässe@proxy.test:3128", ("jé", "pässe", "proxy.test", 3128)),
        ("https://joe:100%@proxy.test:3128", ("joe", "100%", "proxy.test", 3128)),
        ("https://joe:pw@[2001:db8::1]:3128", ("joe", "pw", "2001:db8::1", 3128)),  # pragma: allowlist secret - made up
    ],
)
def test_a_proxy_url_is_taken_apart(text: str, parts: tuple[str, str, str, int]) -> None:
    assert _parts(text) == parts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("joe:hunter2@proxy.test:3128", "must begin with https://"),
        ("http://joe:hunter2@proxy.test:3128", "must begin with https://"),
        ("https://proxy.test:3128", "no user and password"),
        ("https://joe@proxy.test:3128", "no user and password"),
        ("https://joe:@proxy.test:3128", "no user and password"),
        ("https://:hunter2@proxy.test:3128", "no user and password"),
        ("https://joe:hunter2@:3128", "no host"),  # pragma: allowlist secret - made up
        ("https://joe:hunter2@proxy.test", "no port"),
        ("https://joe:hunter2@proxy.test:0", "no port"),
        ("https://joe:hunter2@proxy.test:65536", "port from 1 to 65535"),
        ("https://joe:hunter2@proxy.test:http", "port from 1 to 65535"),
        ("https://joe:hunter2@proxy.test:3128/path", "Nothing may follow the port"),
        ("https://joe:hunter2@proxy.test:3128?a=b", "Nothing may follow the port"),
        ("https://joe:hun/ter2@proxy.test:3128", "%2F"),
        ("https://joe:12/34@proxy.test:3128", "%2F"),
        ("https://joe:hun?ter2@proxy.test:3128", "%3F"),
        ("https://joe:hun#ter2@proxy.test:3128", "%23"),
        ("https://joe:hun[ter2@proxy.test:3128", "%5B"),
        ("https://joe:hunter 2@proxy.test:3128", "%20"),
        ("https://joe:hunt\ner2@proxy.test:3128", "line end inside"),
        ("https://joe:hunter2@pro xy.test:3128", "blank"),  # pragma: allowlist secret - made up
        ("https://joe:hunter2@pro,xy.test:3128", "no host name has"),  # pragma: allowlist secret - made up
        ("https://joe:hunter2%E9@proxy.test:3128", "UTF-8"),
        ("https://", "no user and password"),
    ],
)
def test_another_form_is_refused_in_its_own_words_and_without_the_password(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|port") as caught:
        parse_proxy(text)
    said = str(caught.value)
    assert words in said
    for password in ("hunter2", "hun/", "12/34", "ter2", "er2"):
        assert password not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,10}){0,2}", fullmatch=True),
    st.ip_addresses().map(str),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(user=TEXTS, password=TEXTS, host=HOSTS, port=st.integers(1, 65535))
def test_every_proxy_survives_the_way_through_its_url(user: str, password: str, host: str, port: int) -> None:
    proxy = ProxyUrl(user=user, password=SecretStr(password), host=host, port=port)
    again = parse_proxy(proxy.url().get_secret_value())
    assert again == proxy


@given(text=st.text(max_size=60).map(lambda rest: "https://joe:" + rest))
def test_whatever_is_typed_is_taken_apart_or_refused_with_words(text: str) -> None:
    try:
        proxy = parse_proxy(text)
    except ValueError as error:
        assert "proxy" in str(error) or "port" in str(error)
    else:
        assert parse_proxy(proxy.url().get_secret_value()) == proxy


def test_the_password_is_masked_where_a_proxy_is_shown() -> None:
    proxy = parse_proxy("https://jo%40e:hunter2@[2001:db8::1]:3128")
    assert str(proxy) == "https://jo%40e:***@[2001:db8::1]:3128"
    assert proxy.address == "[2001:db8::1]:3128"
    assert "hunter2" not in repr(proxy)
