"""What was really sent to OUTSCALE and what came back, kept for who wants to show it, with every secret masked.

Nothing is kept unless somebody asks for that: see `recording`."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

MASK = "••••"
LONGEST = 2_000
"""Characters of a body that are kept."""

_PLAIN_HEADERS = frozenset(
    {"host", "content-type", "accept", "user-agent", "x-osc-date", "x-amz-date", "x-amz-content-sha256", "range"}
)
"""Headers that hold no secret; every other one is masked."""
_SECRET = re.compile("secret|password|private|token|credential", re.IGNORECASE)
_SIGNATURE = re.compile(r"(Signature=)\S+")
_IN_XML = re.compile(r"(<(SignatureProvided|StringToSign|CanonicalRequest)>).*?(</\2>)", re.DOTALL)


class Exchange(BaseModel):
    """One request and its answer. `call` is its name, as in the API's reference; `answer` is empty while it is not
    read, and for the content of files."""

    call: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: str = ""
    status: int = 0
    answer: str = ""


class Recorder:
    """The exchanges in the order in which they were sent: the first `most` are kept, all are counted. What is asked
    again and again, until there is an answer, is kept and counted as it was asked last."""

    def __init__(self, most: int) -> None:
        self.exchanges: list[Exchange] = []
        self.count = 0
        self._most = most
        self._waiting: dict[int, Exchange] = {}
        self._lock = threading.Lock()

    def keep(self, exchange: Exchange, answer: object) -> None:
        """Keep an exchange, as long as there is room; `answer` is what its content is read from later."""
        with self._lock:
            last = self.exchanges[-1] if self.exchanges else None
            if last and (last.method, last.url, last.body) == (exchange.method, exchange.url, exchange.body):
                self.exchanges.pop()
            else:
                self.count += 1
            if len(self.exchanges) < self._most:
                self.exchanges.append(exchange)
                self._waiting[id(answer)] = exchange

    def add(self, answer: object, content: bytes) -> None:
        """Add the content of an answer, now that it is read."""
        with self._lock:
            if exchange := self._waiting.pop(id(answer), None):
                exchange.answer = masked(_text(content))


_recorder: ContextVar[Recorder | None] = ContextVar("recorder of exchanges", default=None)


@contextmanager
def recording(most: int = 12) -> Iterator[Recorder]:
    """Keep what is sent inside the block, also by threads that know its context (`core.threads`)."""
    recorder = Recorder(most)
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def sent(method: str, url: str, headers: Mapping[str, Any], body: object, status: int, answer: object) -> None:
    """Note a request that was answered, if somebody keeps them. What `answer` holds is added by `answered`."""
    recorder = _recorder.get()
    if recorder is None:
        return
    exchange = Exchange(
        call=_call(method, url),
        method=method,
        url=url,
        headers={name: _header(name, _text(value)) for name, value in headers.items()},
        body=masked(_text(body)),
        status=status,
    )
    recorder.keep(exchange, answer)


def answered(answer: object, content: bytes) -> None:
    """Add what an answer holds, now that it is read."""
    if recorder := _recorder.get():
        recorder.add(answer, content)


def masked(text: str) -> str:
    """A body without its secrets: values of JSON under a name that tells of one, and signatures in XML. It is cut when
    it is long."""
    try:
        content = json.loads(text)
    except ValueError:
        shown = _IN_XML.sub(rf"\1{MASK}\3", text)
    else:
        shown = json.dumps(_without(content), indent=2, ensure_ascii=False)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}\n… {len(shown) - LONGEST:,} characters more"


def _without(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: MASK if _SECRET.search(name) and isinstance(value, str) else _without(value)
            for name, value in content.items()
        }
    return [_without(one) for one in content] if isinstance(content, list) else content


def _header(name: str, value: str) -> str:
    if name.lower() in _PLAIN_HEADERS:
        return value
    if "Signature=" in value:
        return _SIGNATURE.sub(rf"\1{MASK}", value)
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} {MASK}" if blank and name.lower() == "authorization" else MASK


def _call(method: str, url: str) -> str:
    """`ReadAccessKeys` for the API, `GET bucket/…` for a storage."""
    path = urlsplit(url).path
    last = path.rpartition("/")[2]
    return last if method == "POST" and last[:1].isupper() else f"{method} {path}"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else value if isinstance(value, str) else f"({type(value).__name__})"
