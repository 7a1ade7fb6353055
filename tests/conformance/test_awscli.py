"""The AWS command line against the object storage, with the billing key: a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(bare, sandbox):
    """Run `aws` with the billing key, in one bucket's Region."""
    (billing,) = sandbox.info["billing"]

    def run(bucket: dict, *words: str) -> subprocess.CompletedProcess[str]:
        environment = bare | {
            "AWS_ACCESS_KEY_ID": billing["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": billing["secret_key"],
            "AWS_DEFAULT_REGION": bucket["region"],
            "AWS_ENDPOINT_URL": sandbox.region(bucket["region"])["oos"],
            "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "WHEN_REQUIRED",
        }
        return subprocess.run([AWS, *words], env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_list_and_copy_a_bill(aws, sandbox, tmp_path: Path) -> None:
    for bucket in sandbox.info["billing"][0]["buckets"][:2]:
        said = aws(bucket, "s3", "ls", "--recursive", f"s3://{bucket['name']}/")
        assert said.returncode == 0, said.stderr
        size, key = said.stdout.splitlines()[0].split()[2:4]
        target = tmp_path / bucket["name"]
        said = aws(bucket, "s3", "cp", f"s3://{bucket['name']}/{key}", str(target))
        assert said.returncode == 0, said.stderr
        assert target.stat().st_size == int(size)


def test_what_the_billing_key_may_not(aws, sandbox, tmp_path: Path) -> None:
    bucket = sandbox.info["billing"][0]["buckets"][0]
    file = tmp_path / "file"
    file.write_text("x")
    said = aws(bucket, "s3", "cp", str(file), f"s3://{bucket['name']}/file")
    assert said.returncode != 0
    assert "AccessDenied" in said.stderr


def test_the_api_takes_an_aws_signature(bare, account) -> None:
    """curl signs for the API as OUTSCALE's documentation shows it."""
    body = json.dumps({})
    key = f"{account['access_key_id']}:{account['secret_key']}"
    command = ["curl", "-sS", "--config", "-", "-X", "POST", "-d", body, f"{account['api']}/ReadAccounts"]
    options = (
        f'user = "{key}"\naws-sigv4 = "aws:amz:{account["region"]}:api"\nheader = "Content-Type: application/json"\n'
    )
    said = subprocess.run(command, input=options, env=bare, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(said.stdout)["Accounts"][0]["AccountId"] == account["account_id"]
