"""The master key: found, made once, never written over; what is wrong with it is said in one line without it."""

import base64
import json
import os
import resource
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from core.settings import Settings
from core.vault.key_source import KeySource
from core.vault.master_key import (
    FILE_NAME,
    KeyRing,
    MasterKey,
    VaultError,
    create_key_file,
    read_key_file,
    replace_key_file,
)

KEY = b"\x07" * 32
TEXT = base64.b64encode(KEY).decode()
RING = KeyRing((MasterKey(KEY),))
NEWER = MasterKey(b"\x08" * 32)


def _write(home: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = home / FILE_NAME
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def _file(key: str = TEXT) -> str:
    return json.dumps({"id": "mk-x", "key": key})


def _found(home: Path, from_environment: str | None = None) -> KeyRing | None:
    return KeySource(Settings(home=home, master_key=from_environment)).read()


def _refused(home: Path, from_environment: str | None = None) -> str:
    with pytest.raises(VaultError) as caught:
        _found(home, from_environment)
    said = str(caught.value)
    assert "\n" not in said
    assert TEXT[:8] not in said
    return said


def test_without_file_and_environment_there_is_none(tmp_path: Path) -> None:
    assert read_key_file(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_made_key_is_found_again_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    ring = create_key_file(tmp_path)
    assert [len(master.key) for master in ring.keys] == [32]
    assert read_key_file(tmp_path) == ring
    path = tmp_path / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one["id"] for one in json.loads(path.read_text())["keys"]] == ring.ids
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key_file(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_every_made_key_is_another(tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()
    assert len({create_key_file(home) for home in homes}) == 2


def test_an_existing_key_is_taken_and_not_written_over(tmp_path: Path) -> None:
    path = _write(tmp_path, _file())
    assert create_key_file(tmp_path) == RING
    assert path.read_text() == _file()
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_that_is_no_key_is_not_written_over(tmp_path: Path) -> None:
    path = _write(tmp_path, "something else")
    with pytest.raises(VaultError, match="not a master key file"):
        create_key_file(tmp_path)
    assert path.read_text() == "something else"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_start_left_does_not_stop_the_next_one(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.{os.getpid()}").write_text("half")
    assert read_key_file(tmp_path) is None
    assert create_key_file(tmp_path) == read_key_file(tmp_path)


def test_of_many_who_make_it_at_once_all_hold_the_same_key(tmp_path: Path) -> None:
    made: list[KeyRing | None] = []
    barrier = threading.Barrier(16)

    def make() -> None:
        barrier.wait()
        made.append(create_key_file(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 16
    assert set(made) == {read_key_file(tmp_path)}
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = _write(tmp_path, _file(), mode)
    said = _refused(tmp_path)
    assert f"chmod 600 {path}" in said
    assert path.read_text() == _file()


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_for_its_owner_is_taken(tmp_path: Path, mode: int) -> None:
    _write(tmp_path, _file(), mode)
    assert read_key_file(tmp_path) == RING


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        TEXT,
        b"\xff\xfe",
        _file(""),
        _file(TEXT[:-4]),
        _file(TEXT + "AAAA"),
        _file("!" + TEXT[1:]),
        _file(base64.b64encode(KEY[:16]).decode()),
        json.dumps({"key": None}),
        json.dumps({"key": [TEXT]}),
        json.dumps({"keys": []}),
        json.dumps({"keys": TEXT}),
        json.dumps({"keys": [TEXT]}),
        json.dumps({"keys": [{"id": "mk-x"}]}),
        json.dumps({"keys": [{"key": TEXT}, {"key": TEXT[:-4]}]}),
    ],
)
def test_a_malformed_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str | bytes) -> None:
    path = _write(tmp_path, content)
    before = path.read_bytes()
    assert "Restore it from your copy." in _refused(tmp_path)
    assert path.read_bytes() == before


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    _write(tmp_path, _file(base64.b64encode(b"f" * 32).decode()))
    assert _found(tmp_path, f" {TEXT}\n") == RING


def test_with_the_environment_no_file_is_needed_or_made(tmp_path: Path) -> None:
    assert _found(tmp_path, TEXT) == RING
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", " , ", "short", TEXT[:-1], TEXT[:-4], TEXT + TEXT, f"{TEXT},short", "ключ"])
def test_a_malformed_environment_is_refused_even_beside_a_good_file(tmp_path: Path, text: str) -> None:
    _write(tmp_path, _file())
    assert "ONBOARDING_MASTER_KEY" in _refused(tmp_path, text)


AsPlainUser = Callable[[Path], AbstractContextManager[None]]


def test_a_home_that_cannot_be_written_is_one_line(open_folder: Path, as_plain_user: AsPlainUser) -> None:
    open_folder.chmod(0o500)
    with (
        as_plain_user(open_folder),
        pytest.raises(VaultError, match=r"cannot be written: Permission denied\. Nothing was stored") as caught,
    ):
        create_key_file(open_folder)
    assert str(open_folder / FILE_NAME) in str(caught.value)
    assert list(open_folder.iterdir()) == []


def test_a_file_that_cannot_be_read_is_one_line(open_folder: Path, as_plain_user: AsPlainUser) -> None:
    path = _write(open_folder, _file(), 0o000)
    with as_plain_user(open_folder):
        assert f"{path} cannot be read: Permission denied." in _refused(open_folder)


def test_a_written_ring_is_read_again_the_newest_first(tmp_path: Path) -> None:
    path = _write(tmp_path, _file())
    ring = KeyRing((NEWER, *RING.keys))
    replace_key_file(tmp_path, ring)
    assert read_key_file(tmp_path) == ring
    assert ring.current == NEWER
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_key_goes_before_the_others_and_keys_can_be_left_out() -> None:
    ring = RING.with_new_key()
    assert ring.ids[1:] == RING.ids
    assert ring.current != RING.current
    assert ring.get(RING.current.id) == RING.current
    assert ring.get(NEWER.id) is None
    assert ring.only({ring.current.id}).keys == (ring.current,)


def test_what_a_killed_process_left_of_a_ring_is_taken_away_with_the_next_one(tmp_path: Path) -> None:
    _write(tmp_path, _file())
    (tmp_path / f".{FILE_NAME}.draft-x").write_text(_file())
    (tmp_path / f"{FILE_NAME}.copy").write_text("somebody's own")
    replace_key_file(tmp_path, KeyRing((NEWER,)))
    assert {entry.name for entry in tmp_path.iterdir()} == {FILE_NAME, f"{FILE_NAME}.copy"}


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    for folder in (elsewhere, home):
        folder.mkdir()
    target = _write(elsewhere, _file())
    (home / FILE_NAME).symlink_to(target)
    replace_key_file(home, KeyRing((NEWER,)))
    assert (home / FILE_NAME).is_symlink()
    assert read_key_file(home) == KeyRing((NEWER,))
    assert [entry.name for entry in home.iterdir()] == [FILE_NAME]


def test_a_read_only_file_is_not_written_over(tmp_path: Path) -> None:
    path = _write(tmp_path, _file(), 0o400)
    with pytest.raises(VaultError, match=f"{path} is read-only.*Run: chmod 600 {path}"):
        replace_key_file(tmp_path, KeyRing((NEWER,)))
    assert path.read_text() == _file()


def test_a_folder_that_cannot_be_written_keeps_the_ring(open_folder: Path, as_plain_user: AsPlainUser) -> None:
    path = _write(open_folder, _file())
    open_folder.chmod(0o500)
    with as_plain_user(open_folder):
        with pytest.raises(VaultError, match=f"{path} cannot be written: Permission denied"):
            replace_key_file(open_folder, KeyRing((NEWER,)))
        assert read_key_file(open_folder) == RING
    assert list(open_folder.iterdir()) == [path]


def test_a_disk_without_room_keeps_the_ring(tmp_path: Path) -> None:
    path = _write(tmp_path, _file())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        with pytest.raises(VaultError, match=f"{path} cannot be written: .*Its keys stay as they were"):
            replace_key_file(tmp_path, KeyRing((NEWER,)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == _file()
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_that_is_shown_of_a_ring_holds_a_key() -> None:
    assert "x08" not in repr(KeyRing((NEWER,))) + str(KeyRing((NEWER,)))
