"""What a provider's word says: groups, role, name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.people import MIGHT, NAME_LENGTH, groups, name_of, role_of, told_apart
from core.domain.roles import Role
from core.domain.sign_in import Why, words


@pytest.mark.parametrize(
    ("claims", "path", "found"),
    [
        ({"groups": ["a", "b"]}, "groups", ["a", "b"]),
        ({"groups": "a"}, "groups", ["a"]),
        ({"groups": []}, "groups", []),
        ({"groups": None}, "groups", []),
        ({"groups": 7}, "groups", []),
        ({"groups": ["a", 7, None, ["b"]]}, "groups", ["a"]),
        ({}, "groups", None),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"realm_access": "a"}, "realm_access.roles", None),
        ({"https://example.com/groups": ["a"]}, "https://example.com/groups", ["a"]),
        ({"a.b": ["whole"], "a": {"b": ["nested"]}}, "a.b", ["whole"]),
    ],
)
def test_groups(claims: dict[str, Any], path: str, found: list[str] | None) -> None:
    assert groups(claims, path) == found


def test_the_role_that_may_do_most_counts() -> None:
    assert set(MIGHT) == set(Role)
    roles = {role.value: role for role in Role}
    assert role_of([role.value for role in reversed(MIGHT)], roles) is Role.ADMINISTRATOR
    for place, role in enumerate(MIGHT):
        assert role_of([one.value for one in MIGHT[place:]], roles) is role
    assert role_of(["Administrator", "administrator "], roles) is None  # as they are written, and no other way
    assert role_of([], roles) is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "1", "email": "ada@example.com", "preferred_username": "ada"}, "ada"),
        ({"sub": "1", "email": "ada@example.com"}, "ada@example.com"),
        ({"sub": "1", "email": "ada@example.com", "email_verified": True}, "ada@example.com"),
        ({"sub": "1", "email": "ada@example.com", "email_verified": False}, "1"),
        ({"sub": "1", "email": "ada@example.com", "email_verified": "false"}, "1"),
        ({"sub": "1", "preferred_username": " \u202e\x00\n "}, "1"),
        ({"sub": "1", "preferred_username": "a\u202eda\n"}, "ada"),
        ({"sub": "1", "preferred_username": ["ada"]}, "1"),
        ({}, "unknown"),
    ],
)
def test_names(claims: dict[str, Any], name: str) -> None:
    assert name_of(claims) == name


@given(st.text())
def test_every_name_fits_an_event(told: str) -> None:
    name = name_of({"preferred_username": told})
    assert 1 <= len(name) <= NAME_LENGTH
    assert name.isprintable()


def test_two_of_one_name_are_told_apart_in_as_many_letters() -> None:
    assert told_apart("ada", "7f\n3") == "ada (7f3)"
    assert len(told_apart("a" * 200, "b" * 200)) <= NAME_LENGTH


@pytest.mark.parametrize("why", list(Why))
def test_every_end_has_words(why: Why) -> None:
    said = words(why, "groups", ["kitchen"], 8)
    assert said.endswith(".")
    assert "Ask" in said or "Sign in again" in said or "Sign in" in said
