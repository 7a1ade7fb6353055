"""Files fetched as they are or as a zip, and links that expire, against the real object storage."""

import os
import threading
import time
import urllib.error
import urllib.request
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.credentials import FieldProblem
from core.services.billing import open_storage, project_buckets
from core.services.credentials import set_enabled
from core.services.downloads import Link, make_link, names_in_zip, saved_name
from core.services.fetched import clear, drop
from core.services.workspace import Workspace
from tests.services.conftest import ACTOR, project_row, projects, stored
from tests.services.own_bucket import Own

ODD = "a b/é € 中/x+%20&?.csv"


def test_project_keys_show_their_buckets(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0)), project_row(sandbox.account(1))))
    told: list[tuple[int, int, str]] = []
    found = project_buckets(ACTOR, workspace, progress=lambda *now: told.append(now))
    assert not found.problems
    assert len({(one.bucket, one.region) for one in found.choices}) == len(found.choices) >= 2
    assert {one.region for one in found.choices} == {sandbox.account(0)["region"], sandbox.account(1)["region"]}
    assert told[-1][:2] == (2, 2)
    set_enabled(ACTOR, workspace, ["demo"], False)
    problem = open_storage(ACTOR, workspace, found.choices[0], "test")
    assert isinstance(problem, FieldProblem)
    assert "disabled" in problem.what
    assert project_buckets(ACTOR, workspace).choices == []


def test_one_file_comes_whole_and_is_removed(own: Own) -> None:
    content = os.urandom(3 << 20)
    one = own.put("deep/in/it/report.csv", content)
    told: list[tuple[int, int, str]] = []
    fetched = own.fetch(one, progress=lambda *now: told.append(now))
    assert fetched.path
    assert (fetched.name, fetched.size, fetched.notes) == ("report.csv", len(content), [])
    assert fetched.path.read_bytes() == content
    assert fetched.path.stat().st_mode & 0o777 == 0o600
    assert fetched.path.parent.stat().st_mode & 0o777 == 0o700
    assert told[-1] == (len(content), len(content), one.key)
    (event,) = own.events("buckets.download")
    assert event.details["keys"] == [one.key]
    assert (event.details["objects"], event.details["size"]) == (1, len(content))
    drop(fetched)
    assert own.left() == []


def test_an_empty_file_comes_too(own: Own) -> None:
    fetched = own.fetch(own.put("empty.csv", b""))
    assert fetched.path
    assert fetched.path.read_bytes() == b""


def test_several_come_as_a_zip_that_unpacks_anywhere(own: Own, tmp_path: Path) -> None:
    contents = {ODD: b"1", "etc/passwd": b"2", "b/B.csv": b"3" * 2_000_000, "b/b.csv": b"4", "z.gz": b"5"}
    objects = [own.put(key, content) for key, content in contents.items()]
    fetched = own.fetch(*objects)
    assert fetched.path
    assert fetched.name.endswith("-5-files.zip")
    with zipfile.ZipFile(fetched.path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert [archive.read(name) for name in names] == list(contents.values())
        archive.extractall(tmp_path)
    assert names[0] == "a b/é € 中/x+%20&_.csv"
    assert all((tmp_path / name).is_file() for name in names)
    (event,) = own.events("buckets.download")
    assert event.details["objects"] == 5


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (["../../x", "..\\x", "/x"], ["x", "x (2)", "x (3)"]),
        (["C:\\a.csv", "con", "aux.csv"], ["C_/a.csv", "_con", "_aux.csv"]),
        (["a", "a/b", "A/c"], ["a", "a (2)/b", "A (2)/c"]),
        (["a/b", "a"], ["a/b", "a (2)"]),
        (["...", "./..", "//"], ["object", "object (2)", "object (3)"]),
        (["x?.csv. ", "t\tab\n"], ["x_.csv", "t_ab_"]),
        (["x.tar.gz", "X.tar.gz"], ["x.tar.gz", "X (2).tar.gz"]),
    ],
)
def test_names_in_a_zip(keys: list[str], names: list[str]) -> None:
    assert names_in_zip(keys) == names


def test_a_name_as_long_as_a_key_may_be() -> None:
    (name,) = names_in_zip(["é" * 508 + ".csv.gz"])
    assert len(name.encode()) <= 200
    assert name.endswith(".csv.gz")
    assert saved_name("a/" + "x" * 1000 + ".csv").endswith(".csv")
    assert saved_name("a/") == "a"
    assert saved_name("//") == "object"


def test_what_is_gone_or_replaced_is_said_by_name(own: Own) -> None:
    gone, replaced, same = own.put("g.csv", b"old"), own.put("r.csv", b"old"), own.put("s.csv", b"same")
    own.delete("g.csv")
    own.put("r.csv", b"new")
    fetched = own.fetch(gone, replaced, same)
    assert fetched.path
    with zipfile.ZipFile(fetched.path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"r.csv": b"new", "s.csv": b"same"}
    assert [note.what.partition(" ")[0] for note in fetched.notes] == ["g.csv", "r.csv"]
    assert "gone" in fetched.notes[0].what
    assert "replaced" in fetched.notes[1].what
    assert own.events("buckets.download")[0].details["keys"] == ["r.csv", "s.csv"]
    drop(fetched)
    for nothing in (own.fetch(gone), own.fetch(gone, gone)):
        assert nothing.path is None
        assert nothing.problem
        assert "g.csv is gone" in nothing.problem.what
    assert own.left() == []
    events = own.events("buckets.download")
    assert [event.outcome for event in events] == ["done", "failed", "failed"]
    assert "g.csv is gone" in events[1].details["why"]


def test_it_can_be_stopped(own: Own) -> None:
    objects = [own.put(f"stop/{number}.bin", os.urandom(2 << 20)) for number in range(3)]
    for wanted in (objects[:1], objects):
        stop = threading.Event()
        fetched = own.fetch(*wanted, progress=lambda *_, stop=stop: stop.set(), stop=stop)
        assert fetched.stopped
        assert fetched.path is None
        assert fetched.problem is None
        assert own.left() == []
    stopped = own.events("buckets.download")
    assert [(event.outcome, event.details["stopped"]) for event in stopped] == [("failed", True)] * 2


def test_a_full_disk_is_said(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    one = own.put("one.csv", b"x" * 10)
    huge = one.model_copy(update={"size": 1 << 60})
    problem = own.fetch(huge).problem
    assert problem
    assert "no room" in problem.what
    assert own.left() == []


def test_files_that_nobody_saved_are_removed(own: Own) -> None:
    old, new = own.fetch(own.put("o.csv", b"o")), own.fetch(own.put("n.csv", b"n"))
    assert old.path
    long_ago = time.time() - 3700
    os.utime(old.path, (long_ago, long_ago))
    clear(own.workspace)
    assert own.left() == [new.path]


def test_memory_stays_small(own: Own) -> None:
    size = 64 << 20
    one = own.put("big.bin", os.urandom(size))
    before = _peak_reset()
    fetched = own.fetch(one)
    assert fetched.size == size
    assert _peak() - before < 24 << 20
    drop(fetched)


def test_a_link_opens_the_file_for_a_while(own: Own) -> None:
    own.put(ODD, b"content")
    link = make_link(ACTOR, own.workspace, own.choice, ODD, timedelta(minutes=5))
    assert isinstance(link, Link)
    assert timedelta(minutes=4) < link.until - datetime.now(UTC) <= timedelta(minutes=5)
    url = link.url.get_secret_value()
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the sandbox's own
        assert answer.read() == b"content"
    assert "X-Amz-Expires=300" in url
    assert url not in repr(link)
    (event,) = own.events("buckets.link")
    assert event.details["key"] == ODD
    assert event.details["until"] == f"{link.until:%Y-%m-%dT%H:%M:%SZ}"
    assert "Signature" not in str(event.details)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("X-Amz-Expires=300", "X-Amz-Expires=900"), timeout=10)  # noqa: S310


@pytest.mark.parametrize("lasting", [timedelta(minutes=4), timedelta(days=7, seconds=1)])
def test_how_long_a_link_may_last(own: Own, lasting: timedelta) -> None:
    own.put("one.csv", b"x")
    assert isinstance(make_link(ACTOR, own.workspace, own.choice, "one.csv", lasting), FieldProblem)
    assert isinstance(make_link(ACTOR, own.workspace, own.choice, "none.csv", timedelta(hours=1)), FieldProblem)
    (event,) = own.events("buckets.link")
    assert (event.outcome, event.details["key"]) == ("failed", "none.csv")


def _peak_reset() -> int:
    """The memory in use now, from which on the peak is measured anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
