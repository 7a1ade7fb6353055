"""Sealed secrets open where they belong, and nowhere else."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from core.vault.master_key import MasterKey, VaultError
from core.vault.vault import Place, Vault, WrappedKey, new_data_key

MASTER = MasterKey(b"m" * 32)
DATA_KEY = new_data_key(MASTER)
VAULT = Vault(MASTER, [DATA_KEY])
PLACE = Place(table="project", row="row-1", field="secret_key")
SECRET = SecretStr("TOPSECRET-0123456789")


def _refused(sealed: str, place: Place = PLACE, vault: Vault = VAULT) -> str:
    with pytest.raises(VaultError) as caught:
        vault.open(sealed, place)
    said = str(caught.value)
    assert place.table in said
    assert place.field in said
    assert "TOPSECRET" not in said
    assert sealed not in said or not sealed
    return said


@given(secret=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_was_sealed_opens_again(secret: str) -> None:
    sealed = VAULT.seal(SecretStr(secret), PLACE)
    assert VAULT.open(sealed, PLACE).get_secret_value() == secret


def test_a_sealed_value_holds_nothing_readable_and_never_repeats() -> None:
    once, twice = VAULT.seal(SECRET, PLACE), VAULT.seal(SECRET, PLACE)
    assert once != twice
    assert SECRET.get_secret_value().encode() not in base64.b64decode(once.split(".")[2])


@pytest.mark.parametrize("field", ["table", "row", "field"])
def test_a_value_copied_to_another_table_row_or_field_does_not_open(field: str) -> None:
    sealed = VAULT.seal(SECRET, PLACE)
    _refused(sealed, replace(PLACE, **{field: "other"}))


def test_parts_of_the_place_cannot_be_shifted_into_each_other() -> None:
    sealed = VAULT.seal(SECRET, Place("ab", "c", "d"))
    _refused(sealed, Place("a", "bc", "d"))


def test_every_flipped_bit_of_the_ciphertext_is_refused() -> None:
    version, key_id, text = VAULT.seal(SECRET, PLACE).split(".")
    content = base64.b64decode(text)
    for at in range(len(content)):
        for bit in range(8):
            altered = bytearray(content)
            altered[at] ^= 1 << bit
            _refused(f"{version}.{key_id}.{base64.b64encode(altered).decode()}")


def test_every_flipped_byte_of_the_stored_text_is_refused() -> None:
    sealed = VAULT.seal(SECRET, PLACE)
    for at, letter in enumerate(sealed):
        _refused(sealed[:at] + chr(ord(letter) ^ 1) + sealed[at + 1 :])


def test_every_cut_or_lengthened_text_is_refused() -> None:
    sealed = VAULT.seal(SECRET, PLACE)
    for length in range(len(sealed)):
        _refused(sealed[:length])
    for more in ("A", "=", "AAAA", ".x", "\n", "é"):
        _refused(sealed + more)


def test_a_value_under_a_data_key_that_is_not_here_is_refused() -> None:
    _refused(Vault(MASTER, [new_data_key(MASTER)]).seal(SECRET, PLACE))


def test_a_value_relabelled_to_another_data_key_is_refused() -> None:
    other = new_data_key(MASTER)
    both = Vault(MASTER, [DATA_KEY, other])
    version, _, text = VAULT.seal(SECRET, PLACE).split(".")
    _refused(f"{version}.{other.id}.{text}", vault=both)


def test_the_newest_data_key_seals_and_all_of_them_open() -> None:
    old = VAULT.seal(SECRET, PLACE)
    newest = new_data_key(MASTER)
    both = Vault(MASTER, [DATA_KEY, newest])
    assert both.open(old, PLACE) == SECRET
    assert both.seal(SECRET, PLACE).split(".")[1] == newest.id


def test_the_wrong_master_key_is_told_by_the_ids_of_both() -> None:
    other = MasterKey(b"o" * 32)
    with pytest.raises(VaultError) as caught:
        Vault(other, [DATA_KEY])
    said = str(caught.value)
    assert other.id in said
    assert MASTER.id in said
    assert "nothing was changed" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "wrapped",
    [
        replace(DATA_KEY, id="dk-another"),
        replace(DATA_KEY, wrapped=DATA_KEY.wrapped[:-1]),
        replace(DATA_KEY, wrapped=bytes([DATA_KEY.wrapped[0] ^ 1]) + DATA_KEY.wrapped[1:]),
        replace(DATA_KEY, wrapped=b""),
    ],
    ids=["relabelled", "cut", "altered", "empty"],
)
def test_an_altered_data_key_does_not_open(wrapped: WrappedKey) -> None:
    with pytest.raises(VaultError, match="does not open this database"):
        Vault(MASTER, [wrapped])


def test_a_vault_without_data_key_is_refused() -> None:
    with pytest.raises(VaultError, match="no data key"):
        Vault(MASTER, [])


def test_nothing_that_is_shown_holds_a_key() -> None:
    assert "mmm" not in repr(MASTER) + str(MASTER) + MASTER.id
    assert MasterKey(b"m" * 32).id == MASTER.id
    assert MasterKey(b"n" * 32).id != MASTER.id
    assert "mmm" not in repr(vars(DATA_KEY))
