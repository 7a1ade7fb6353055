"""What the calls say when all is well, and their own refusals."""

import base64
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.conftest import Sandbox
from tests.sandbox.conftest import ALL, WEST, ClientFor, new_key


def test_an_account_reads_itself(client: ClientFor, sandbox: Sandbox) -> None:
    for index in range(4):
        account = sandbox.account(index)
        (read,) = client(index).ok("ReadAccounts")["Accounts"]
        assert (read["AccountId"], read["Email"]) == (account["account_id"], account["email"])
        assert len(read["AccountId"]) == 12
        assert read["AccountId"].isdigit()
        assert all(value != "" for value in read.values())


def test_an_account_changes_itself(client: ClientFor, sandbox: Sandbox) -> None:
    root = client(2)
    before = root.ok("ReadAccounts")["Accounts"][0]
    changed = root.ok("UpdateAccount", City="Grenoble", AdditionalEmails=["second@meadow.example"])["Account"]
    assert (changed["City"], changed["AdditionalEmails"]) == ("Grenoble", ["second@meadow.example"])
    assert root.ok("ReadAccounts")["Accounts"] == [changed]
    taken = root("UpdateAccount", Email=sandbox.account(0)["email"])
    assert (taken.status, taken.code) == (409, "9073")
    assert root("UpdateAccount", CustomerId="12345678").code == "3001"
    back = root.ok("UpdateAccount", City=before["City"], AdditionalEmails=[])["Account"]
    assert back == before


def test_keypairs(client: ClientFor) -> None:
    root = client(2)
    created = root.ok("CreateKeypair", KeypairName="generated")["Keypair"]
    assert load_pem_private_key(created["PrivateKey"].encode(), None).key_size == 2048
    assert created["KeypairType"] == "ssh-rsa"
    duplicate = root("CreateKeypair", KeypairName="generated")
    assert (duplicate.status, duplicate.code) == (409, "9011")
    line = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    imported = root.ok("CreateKeypair", KeypairName="imported", PublicKey=base64.b64encode(line).decode())["Keypair"]
    assert imported["KeypairType"] == "ssh-ed25519"
    assert "PrivateKey" not in imported
    for bad in ({"KeypairName": "é"}, {"KeypairName": ""}, {"KeypairName": "x", "PublicKey": "???"}):
        assert root("CreateKeypair", **bad).code == "4047"
    read = root.ok("ReadKeypairs", Filters={"KeypairNames": ["generated", "imported"]})["Keypairs"]
    assert [one["KeypairName"] for one in read] == ["generated", "imported"]
    assert not any("PrivateKey" in one for one in read)
    first = root.ok("ReadKeypairs", ResultsPerPage=1)
    second = root.ok("ReadKeypairs", ResultsPerPage=1, NextPageToken=first["NextPageToken"])
    assert first["Keypairs"] != second["Keypairs"]
    assert "NextPageToken" not in second
    assert root("ReadKeypairs", NextPageToken="zzz").code == "4047"
    root.ok("DeleteKeypair", KeypairName="generated")
    root.ok("DeleteKeypair", KeypairId=imported["KeypairId"])
    assert root("DeleteKeypair", KeypairName="generated").code == "5071"
    assert root("DeleteKeypair").code == "7000"
    assert client(0).ok("ReadKeypairs")["Keypairs"][0]["KeypairName"] == "harbour-laptop"


def test_users(client: ClientFor, user: str) -> None:
    root = client(2)
    users = root.ok("ReadUsers")["Users"]
    mine = next(one for one in users if one["UserName"] == user)
    assert root.ok("ReadUsers", Filters={"UserIds": [mine["UserId"]]})["Users"] == [mine]
    page = root.ok("ReadUsers", FirstItem=1, ResultsPerPage=1)
    assert len(page["Users"]) == 1
    assert page["HasMoreItems"] is (len(users) > 1)
    duplicate = root("CreateUser", UserName=user)
    assert (duplicate.status, duplicate.code) == (409, "9022")
    assert root("CreateUser", UserName="with blanks").code == "4047"
    assert root("CreateUser", UserName="x", Path="no-slash").code == "4047"
    assert root("PutUserPolicy", UserName="nobody", PolicyName="p", PolicyDocument=ALL).code == "5075"
    for document in ("{", "[]", '{"Statement":[]}', '{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}'):
        assert root("PutUserPolicy", UserName=user, PolicyName="p", PolicyDocument=document).code == "4047"


def test_quotas_count_what_is_used(client: ClientFor) -> None:
    root = client(2)

    def quota() -> dict:
        return root.ok("ReadQuotas", Filters={"QuotaNames": ["accesskey_limit"]})["QuotaTypes"][0]["Quotas"][0]

    before = quota()
    key_id = root.ok("CreateAccessKey")["AccessKey"]["AccessKeyId"]
    assert quota() == before | {"UsedValue": before["UsedValue"] + 1}
    root.ok("DeleteAccessKey", AccessKeyId=key_id)
    assert before["MaxValue"] == 10
    assert root.ok("ReadQuotas", Filters={"QuotaNames": ["none_such"]})["QuotaTypes"] == []


def test_policy_and_rules_of_the_beginning(client: ClientFor) -> None:
    policy = client().ok("ReadApiAccessPolicy")["ApiAccessPolicy"]
    assert policy == {"MaxAccessKeyExpirationSeconds": 0, "RequireTrustedEnv": False}
    (rule,) = client().ok("ReadApiAccessRules")["ApiAccessRules"]
    assert rule["ApiAccessRuleId"].startswith("aar-")
    assert client().ok("ReadApiAccessRules", Filters={"IpRanges": ["192.0.2.0/24"]})["ApiAccessRules"] == []


def test_the_log_has_every_call_of_the_account(client: ClientFor, user: str) -> None:
    root = client(2)
    key = new_key(root, user)
    own = client(key)
    request_id = own.ok("ReadKeypairs")["ResponseContext"]["RequestId"]
    assert own("DeleteKeypair", KeypairName="none").code == "5071"
    logs = root.ok("ReadApiLogs", Filters={"QueryAccessKeys": [key.access_key_id]})["Logs"]
    assert [(log["QueryCallName"], log["ResponseStatusCode"]) for log in logs] == [
        ("DeleteKeypair", 400),
        ("ReadKeypairs", 200),
    ]
    assert logs[1]["RequestId"] == request_id
    assert logs[1]["QueryIpAddress"] == "127.0.0.1"
    assert logs[1]["QueryUserAgent"].startswith("osc-sdk-python/")
    assert key.secret_key not in str(logs)
    (only,) = root.ok("ReadApiLogs", Filters={"RequestIds": [request_id]}, With={"AccountId": False})["Logs"]
    assert "AccountId" not in only
    tomorrow = str((datetime.now(UTC) + timedelta(days=1)).date())
    assert root.ok("ReadApiLogs", Filters={"QueryDateAfter": tomorrow})["Logs"] == []
    page = root.ok("ReadApiLogs", ResultsPerPage=1)
    assert len(page["Logs"]) == 1
    assert page["NextPageToken"]
    assert client(0).ok("ReadApiLogs", Filters={"QueryAccessKeys": [key.access_key_id]})["Logs"] == []


def _month(back: int = 1) -> tuple[str, str]:
    end = date.today().replace(day=1)  # noqa: DTZ011 - any month will do
    for _ in range(back - 1):
        end = (end - timedelta(days=1)).replace(day=1)
    return str((end - timedelta(days=1)).replace(day=1)), str(end)


def _total(entries: list[dict]) -> Decimal:
    return sum((Decimal(str(entry["Price"])) for entry in entries), Decimal(0))


def test_consumption_with_and_without_prices(client: ClientFor) -> None:
    root, (first, last) = client(0), _month()
    bare = root.ok("ReadConsumptionAccount", FromDate=first, ToDate=last)
    priced = root.ok("ReadConsumptionAccount", FromDate=first, ToDate=last, ShowPrice=True)
    assert "Currency" not in bare
    assert priced["Currency"] == "EUR"
    assert bare["ConsumptionEntries"]
    assert not any({"Price", "UnitPrice", "ResourceId"} & entry.keys() for entry in bare["ConsumptionEntries"])
    detailed = root.ok(
        "ReadConsumptionAccount",
        FromDate=f"{first}T00:00:00.000Z",
        ToDate=last,
        ShowPrice=True,
        ShowResourceDetails=True,
    )
    assert any(entry.get("ResourceId", "").startswith("i-") for entry in detailed["ConsumptionEntries"])
    assert len(detailed["ConsumptionEntries"]) >= len(priced["ConsumptionEntries"])
    assert _total(detailed["ConsumptionEntries"]) == _total(priced["ConsumptionEntries"])
    assert {entry["SubregionName"] for entry in bare["ConsumptionEntries"]} == {f"{WEST}a", f"{WEST}b"}


def test_the_paying_account_sees_all(client: ClientFor, sandbox: Sandbox) -> None:
    period = dict(zip(("FromDate", "ToDate"), _month(), strict=True)) | {"ShowPrice": True}
    overall = client(3).ok("ReadConsumptionAccount", **period, Overall=True)["ConsumptionEntries"]
    payer = sandbox.account(3)["account_id"]
    west = {sandbox.account(index)["account_id"] for index in (0, 2, 3)}
    assert {entry["AccountId"] for entry in overall} == west
    assert {entry["PayingAccountId"] for entry in overall} == {payer}
    single = [client(index).ok("ReadConsumptionAccount", **period)["ConsumptionEntries"] for index in (0, 2, 3)]
    assert _total(overall) == sum(_total(entries) for entries in single)
    assert client(0).ok("ReadConsumptionAccount", **period, Overall=True)["ConsumptionEntries"] == []


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("2026-02-01", "2026-01-01", "4118"),
        ("2026-02-01", "2026-02-01", "4118"),
        ("2026-02-01T10:00:00.000Z", "2026-03-01", "4047"),
        ("yesterday", "2026-03-01", "4047"),
    ],
)
def test_periods_that_cannot_be(client: ClientFor, first: str, last: str, code: str) -> None:
    reply = client()("ReadConsumptionAccount", FromDate=first, ToDate=last)
    assert (reply.status, reply.code) == (400, code)


def test_the_catalog_has_a_price_for_what_is_consumed(client: ClientFor) -> None:
    root, (first, last) = client(0), _month()
    prices = {
        (entry["Service"], entry["Type"], entry["Operation"], entry["SubregionName"]): entry["UnitPrice"]
        for entry in root.ok("ReadCatalog")["Catalog"]["Entries"]
    }
    consumed = root.ok("ReadConsumptionAccount", FromDate=first, ToDate=last, ShowPrice=True)["ConsumptionEntries"]
    for entry in consumed:
        assert prices[entry["Service"], entry["Type"], entry["Operation"], entry["SubregionName"]] == entry["UnitPrice"]
