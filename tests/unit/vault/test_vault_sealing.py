"""Sealed secrets open where they belong, and nowhere else."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from core.vault.master_key import KeyRing, MasterKey, VaultError
from core.vault.vault import Place, Vault, WrappedKey, new_data_key

MASTER = MasterKey(b"m" * 32)
RING = KeyRing((MASTER,))
DATA_KEY = new_data_key(MASTER)
VAULT = Vault(RING, [DATA_KEY])
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
    _refused(Vault(RING, [new_data_key(MASTER)]).seal(SECRET, PLACE))


def test_a_value_relabelled_to_another_data_key_is_refused() -> None:
    other = new_data_key(MASTER)
    both = Vault(RING, [DATA_KEY, other])
    version, _, text = VAULT.seal(SECRET, PLACE).split(".")
    _refused(f"{version}.{other.id}.{text}", vault=both)


def test_the_newest_data_key_seals_and_all_of_them_open() -> None:
    old = VAULT.seal(SECRET, PLACE)
    newest = new_data_key(MASTER)
    both = Vault(RING, [DATA_KEY, newest])
    assert both.open(old, PLACE) == SECRET
    assert both.seal(SECRET, PLACE).split(".")[1] == newest.id


def test_the_wrong_master_key_is_told_by_the_ids_of_both() -> None:
    other = MasterKey(b"o" * 32)
    with pytest.raises(VaultError) as caught:
        Vault(KeyRing((other,)), [DATA_KEY])
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
        Vault(RING, [wrapped])


def test_a_vault_without_data_key_is_refused() -> None:
    with pytest.raises(VaultError, match="no data key"):
        Vault(RING, [])


def test_nothing_that_is_shown_holds_a_key() -> None:
    assert "mmm" not in repr(MASTER) + str(MASTER) + MASTER.id
    assert MasterKey(b"m" * 32).id == MASTER.id
    assert MasterKey(b"n" * 32).id != MASTER.id
    assert "mmm" not in repr(vars(DATA_KEY))


@settings(max_examples=1000, deadline=None)
@given(secret=st.text(st.characters(exclude_categories=["Cs"]), max_size=40), mask=st.integers(1, 255))
def test_no_byte_of_a_sealed_value_can_be_flipped(secret: str, mask: int) -> None:
    sealed = VAULT.seal(SecretStr(secret), PLACE)
    prefix, _, text = sealed.rpartition(".")
    content = base64.b64decode(text)
    for at in range(len(content)):
        altered = content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]
        with pytest.raises(VaultError):
            VAULT.open(f"{prefix}.{base64.b64encode(altered).decode()}", PLACE)
    for at, letter in enumerate(sealed):
        with pytest.raises(VaultError):
            VAULT.open(sealed[:at] + chr(ord(letter) ^ mask) + sealed[at + 1 :], PLACE)


@pytest.mark.parametrize("version", ["v0", "v2", "v10"])
def test_another_format_is_named(version: str) -> None:
    _, key_id, text = VAULT.seal(SECRET, PLACE).split(".")
    said = _refused(f"{version}.{key_id}.{text}")
    assert f"sealed in the format {version}, which this version of the program does not know" in said


def test_a_value_of_another_database_is_told_from_an_altered_one() -> None:
    other = Vault(RING, [new_data_key(MASTER)]).seal(SECRET, PLACE)
    assert "comes from another database" in _refused(other)
    assert "was altered or belongs to another row" in _refused(VAULT.seal(SECRET, replace(PLACE, row="other")))


def test_a_data_key_that_came_since_is_learned() -> None:
    ring, keys = [RING], [DATA_KEY]
    vault = Vault(RING, keys, read_ring=lambda: ring[0], read_keys=lambda: keys)
    old = vault.seal(SECRET, PLACE)
    ring[0] = RING.with_new_key()
    keys.append(new_data_key(ring[0].current))
    sealed = Vault(ring[0], keys).seal(SECRET, PLACE)
    assert vault.open(sealed, PLACE) == SECRET
    assert vault.current == keys[-1].id
    assert vault.seal(SECRET, PLACE).split(".")[1] == keys[-1].id
    keys.pop(0)
    assert vault.open(old, PLACE) == SECRET  # what it knew, it knows
    assert vault.seal_again(sealed, PLACE) == sealed
    again = vault.seal_again(old, PLACE)
    assert Vault(ring[0], keys).open(again, PLACE) == SECRET


def test_a_data_key_of_a_master_key_that_is_not_at_hand_is_named_and_what_was_known_still_opens() -> None:
    newer = MasterKey(b"n" * 32)
    keys = [DATA_KEY, new_data_key(newer)]
    vault = Vault(RING, keys[:1], read_ring=lambda: RING, read_keys=lambda: keys)
    sealed = Vault(KeyRing((newer, MASTER)), keys).seal(SECRET, PLACE)
    with pytest.raises(VaultError, match=f"sealed under {newer.id}. Start this program again"):
        vault.open(sealed, PLACE)
    assert vault.open(vault.seal(SECRET, PLACE), PLACE) == SECRET
