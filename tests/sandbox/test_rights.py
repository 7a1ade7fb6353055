"""What EIM users may do."""

import json

import pytest

from core.sandbox.policy import allows
from tests.sandbox.conftest import ClientFor, new_key


def _policy(*statements: tuple[str, str | list[str]]) -> str:
    return json.dumps(
        {"Statement": [{"Effect": effect, "Action": what, "Resource": "*"} for effect, what in statements]}
    )


@pytest.mark.parametrize(
    ("policies", "call", "allowed"),
    [
        ([], "ReadVms", False),
        ([_policy(("Allow", "api:Read*"))], "ReadVms", True),
        ([_policy(("Allow", ["api:ReadVms"]))], "ReadVms", True),
        ([_policy(("Allow", "api:Read*"))], "CreateVms", False),
        ([_policy(("Allow", "*")), _policy(("Deny", "api:Create*"))], "CreateVms", False),
        ([_policy(("Allow", "*"), ("Deny", "api:Create*"))], "ReadVms", True),
        (['{"Statement":{"Effect":"Allow","NotAction":"api:Delete*","Resource":["*"]}}'], "DeleteVms", False),
        (['{"Statement":{"Effect":"Allow","NotAction":"api:Delete*","Resource":["*"]}}'], "ReadVms", True),
        (['{"Statement":{"Effect":"Allow","Action":"api:*","Resource":["orn:something"]}}'], "ReadVms", False),
    ],
)
def test_policies(policies: list[str], call: str, allowed: bool) -> None:
    assert allows(policies, call) is allowed


def test_the_users_of_the_beginning(special) -> None:
    platform, reporting = special("platform"), special("reporting")
    period = {"FromDate": "2026-01-01", "ToDate": "2026-01-02"}
    assert platform("ReadVms", DryRun=True).status == 200
    assert platform("ReadConsumptionAccount", **period).status == 200
    assert reporting("ReadConsumptionAccount", **period).status == 200
    for reply in (
        platform("CreateKeypair", KeypairName="x"),
        reporting("ReadAccounts"),
        reporting("ReadVms", DryRun=True),
    ):
        assert (reply.status, reply.code) == (401, "5")


def test_a_refusal_for_rights_is_no_failed_sign_in(special) -> None:
    assert [special("reporting")("ReadAccounts").code for _ in range(6)] == ["5"] * 6


def test_a_new_policy_is_in_force_at_once(client: ClientFor, user: str) -> None:
    root = client(2)
    own = client(new_key(root, user))
    assert own("ReadKeypairs").status == 200
    root.ok("PutUserPolicy", UserName=user, PolicyName="no", PolicyDocument=_policy(("Deny", "api:ReadKeypairs")))
    assert own("ReadKeypairs").code == "5"
