"""The settings of sign-in: what is missing or dangerous is said by the name of the variable."""

import pytest
from pydantic import ValidationError

from core.domain.roles import Role
from core.settings import Settings

GOOD = {
    "OIDC_ISSUER": "https://sign-in.example.com/realms/main/",
    "OIDC_CLIENT_ID": "onboarding",
    "OIDC_CLIENT_SECRET": "hidden",  # pragma: allowlist secret - made up
    "OIDC_ROLES": "cloud admins = administrator, cn=ops,dc=x=operator".replace(",dc=x", ""),
    "PUBLIC_ADDRESS": "https://onboarding.example.com",
}


def made(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
    for name, value in (GOOD | changes).items():
        if value:
            monkeypatch.setenv(f"ONBOARDING_{name}", value)
    return Settings()


def test_all_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = made(monkeypatch)
    assert settings.oidc_roles == {"cloud admins": Role.ADMINISTRATOR, "cn=ops": Role.OPERATOR}
    assert settings.oidc_metadata == "https://sign-in.example.com/realms/main/.well-known/openid-configuration"
    assert settings.browser_address == "https://onboarding.example.com"
    assert settings.address_problem is None
    assert "hidden" not in repr(settings)


def test_roles_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = made(monkeypatch, OIDC_ROLES='{"cn=ops,dc=x": "administrator"}')
    assert settings.oidc_roles == {"cn=ops,dc=x": Role.ADMINISTRATOR}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"OIDC_ISSUER": "http://sign-in.example.com"}, "oidc_issuer", "https://"),
        ({"OIDC_ISSUER": "sign-in.example.com"}, "oidc_issuer", "https://"),
        ({"OIDC_ISSUER": "https://me:pw@sign-in.example.com"}, "oidc_issuer", "plain address"),
        ({"OIDC_ISSUER": "https://sign-in.example.com?x=1"}, "oidc_issuer", "plain address"),
        ({"PUBLIC_ADDRESS": "http://onboarding.example.com"}, "public_address", "https://"),
        ({"PUBLIC_ADDRESS": "https://example.com/onboarding"}, "public_address", "folder"),
        ({"OIDC_CLIENT_ID": ""}, "oidc_client_id", "needs it"),
        ({"OIDC_CLIENT_SECRET": ""}, "oidc_client_secret", "needs it"),
        ({"OIDC_ROLES": ""}, "oidc_roles", "administrator"),
        ({"OIDC_ROLES": "ops=operator"}, "oidc_roles", "administrator"),
        ({"OIDC_ROLES": "ops=boss"}, "oidc_roles", "administrator"),
        ({"OIDC_ROLES": "administrator"}, "oidc_roles", "GROUP=ROLE"),
        ({"OIDC_ROLES": "=administrator"}, "oidc_roles", "GROUP=ROLE"),
        ({"OIDC_ROLES": "{administrator"}, "oidc_roles", "GROUP=ROLE"),
        ({"ADDRESS": "example.com"}, "address", "IP address"),
        ({"SESSION_HOURS": "0"}, "session_hours", "greater than 0"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], field: str, says: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        made(monkeypatch, **changes)
    (problem,) = refused.value.errors(include_input=False)
    assert problem["loc"][0] == field
    assert says in problem["msg"]
    assert "hidden" not in str(problem)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_this_machine_needs_no_provider(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("ONBOARDING_ADDRESS", address)
    settings = Settings()
    assert settings.address_problem is None
    assert address in settings.browser_address
