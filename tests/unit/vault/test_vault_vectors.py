"""Project Wycheproof's vectors for AES-GCM, through the function that everything sealed is opened with."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from core.vault import cipher, vault

VECTORS = json.loads((Path(__file__).parent / "aes_gcm_test.json").read_text())
OURS = (256, 96, 128)
CASES = [
    (test, (group["keySize"], group["ivSize"], group["tagSize"]))
    for group in VECTORS["testGroups"]
    for test in group["tests"]
]


def _opened(test: dict[str, Any]) -> bytes:
    key, iv, content, tag, bound = (bytes.fromhex(test[part]) for part in ("key", "iv", "ct", "tag", "aad"))
    return cipher.decrypt(key, iv + content + tag, bound)


def _named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("test", cases, ids=[f"{one['tcId']} {one['comment']}".strip() for one in cases])


def test_the_vault_opens_through_that_function() -> None:
    assert vault.decrypt is cipher.decrypt
    assert len(CASES) == VECTORS["numberOfTests"] == 316


@_named([test for test, group in CASES if group == OURS and test["result"] == "valid"])
def test_a_valid_vector_opens(test: dict[str, Any]) -> None:
    assert _opened(test) == bytes.fromhex(test["msg"])


@_named([test for test, group in CASES if group == OURS and test["result"] == "invalid"])
def test_an_invalid_vector_does_not_open(test: dict[str, Any]) -> None:
    with pytest.raises(InvalidTag):
        _opened(test)


@_named([test for test, group in CASES if group != OURS])
def test_another_length_of_key_or_nonce_does_not_open(test: dict[str, Any]) -> None:
    with pytest.raises(InvalidTag):
        _opened(test)


def test_there_are_vectors_of_each_kind() -> None:
    ours = [test["result"] for test, group in CASES if group == OURS]
    assert (ours.count("valid"), ours.count("invalid")) == (39, 27)
    assert {group[0] for _, group in CASES} == {128, 192, 256}


@pytest.mark.parametrize("length", range(12, 16))
def test_a_shortened_tag_does_not_open(length: int) -> None:
    test = next(test for test, group in CASES if group == OURS and test["result"] == "valid")
    with pytest.raises(InvalidTag):
        _opened(test | {"tag": test["tag"][: 2 * length]})
