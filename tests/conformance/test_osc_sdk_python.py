"""osc-sdk-python: its Gateway, with keys and with a password. A Gateway reads its specification for two seconds, so
that these tests make few of them."""

import pytest
import requests
from osc_sdk_python import Gateway
from osc_sdk_python.call import Call
from osc_sdk_python.credentials import Endpoint


def test_a_gateway_with_keys(bare, account) -> None:
    gateway = Gateway(
        access_key=account["access_key_id"],
        secret_key=account["secret_key"],
        region=account["region"],
        endpoints=Endpoint(api=account["api"]),
    )
    assert gateway.ReadAccounts()["Accounts"][0]["AccountId"] == account["account_id"]
    assert gateway.ReadRegions()["Regions"]
    key = gateway.CreateAccessKey(Tag="conformance")["AccessKey"]
    try:
        listed = gateway.ReadAccessKeys(Filters={"AccessKeyIds": [key["AccessKeyId"]]})["AccessKeys"]
        assert [one["Tag"] for one in listed] == ["conformance"]
        updated = gateway.UpdateAccessKey(AccessKeyId=key["AccessKeyId"], State="INACTIVE")["AccessKey"]
        assert updated["State"] == "INACTIVE"
    finally:
        gateway.DeleteAccessKey(AccessKeyId=key["AccessKeyId"])
    assert gateway.raw("ReadVms", DryRun=True).keys() == {"ResponseContext"}
    policy = gateway.UpdateApiAccessPolicy(MaxAccessKeyExpirationSeconds=0, RequireTrustedEnv=False)["ApiAccessPolicy"]
    assert policy == gateway.ReadApiAccessPolicy()["ApiAccessPolicy"]
    with pytest.raises(requests.HTTPError, match="4047"):  # there is an everlasting key
        gateway.UpdateApiAccessPolicy(MaxAccessKeyExpirationSeconds=3_153_600_000, RequireTrustedEnv=True)
    consumed = gateway.ReadConsumptionAccount(FromDate="2026-01-01", ToDate="2026-02-01", ShowPrice=True)
    assert consumed["Currency"] == "EUR"
    logs = gateway.ReadApiLogs(Filters={"QueryAccessKeys": [account["access_key_id"]]})["Logs"]
    assert logs[0]["QueryCallName"] == "ReadConsumptionAccount"


def test_a_wrong_secret_is_refused(bare, account) -> None:
    call = Call(
        access_key=account["access_key_id"],
        secret_key="A" * 40,
        region=account["region"],
        endpoints=Endpoint(api=account["api"]),
    )
    with pytest.raises(requests.HTTPError, match="401"):
        call.api("ReadAccounts")


def test_a_gateway_with_a_password(bare, account) -> None:
    gateway = Gateway(
        email=account["email"],
        password=account["password"],
        region=account["region"],
        endpoints=Endpoint(api=account["api"]),
    )
    assert account["access_key_id"] in [key["AccessKeyId"] for key in gateway.ReadAccessKeys()["AccessKeys"]]
    key = gateway.CreateAccessKey()["AccessKey"]
    gateway.DeleteAccessKey(AccessKeyId=key["AccessKeyId"])
    with pytest.raises(requests.HTTPError, match="401"):
        gateway.ReadAccounts()
