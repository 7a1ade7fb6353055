"""Only what is given counts: nothing of the machine's environment or home folder reaches OUTSCALE."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import ACCESS_KEY, SECRET_KEY
from tests.clients.listeners import Origin, Proxy

STRAY = "STRAYSTRAYSTRAYSTRAY"

ASK = """
import sys
from pydantic import SecretStr
from core.domain.regions import Region
from core.outscale.oapi import Oapi
from core.outscale.oos import Oos

url, access_key = sys.argv[1:]
secret_key = SecretStr(sys.stdin.read())
region = Region(name="test-1", label="Test", api=url + "/api/v1", oos=url, sandbox=True)
with Oapi(region, access_key=access_key, secret_key=secret_key) as api:
    api.probe()
    api.read_accounts()
with Oapi(region, email="someone@example.com", password=secret_key) as api:
    api.read_accounts()
Oos(region, access_key, secret_key).list_buckets()
Oos(region, access_key, secret_key).list_objects("bills")
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder full of other people's settings."""
    files = {
        ".osc/config.json": f"""{{"default": {{"access_key": "{STRAY}", "secret_key": "{STRAY}", "region": "stray-1",
            "login": "{STRAY}", "password": "{STRAY}", "endpoints": {{"api": "http://127.0.0.1:9"}}}}}}""",
        ".aws/config": """[default]
            region = stray-1
            output = json
            endpoint_url = http://127.0.0.1:9
            s3 =
              addressing_style = virtual
            [profile stray]
            region = stray-2
            use_fips_endpoint = true
            """.replace("            ", ""),
        ".aws/credentials": f"[default]\naws_access_key_id = {STRAY}\naws_secret_access_key = {STRAY}\n",
        ".aws/models/s3/2006-03-01/service-2.json": "{}",
        ".netrc": f"machine 127.0.0.1\nlogin {STRAY}\npassword {STRAY}\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def stray_variables(proxy: int, home: Path) -> dict[str, str]:
    url = f"http://{STRAY}:{STRAY}@127.0.0.1:{proxy}"
    keys = ("ACCESS_KEY", "SECRET_KEY", "LOGIN", "PASSWORD", "ACCESS_KEY_V2", "SECRET_KEY_V2")
    return {
        **{f"OSC_{name}": STRAY for name in keys},
        "OSC_REGION": "stray-1",
        "OSC_PROFILE": "missing",
        "OSC_CONFIG_FILE": str(home / "missing.json"),
        "OSC_ENDPOINT_API": "http://127.0.0.1:9/api/v1",
        "OSC_X509_CLIENT_CERT": str(home / "missing.pem"),
        "OSC_PROTOCOL": "http",
        "AWS_ACCESS_KEY_ID": STRAY,
        "AWS_SECRET_ACCESS_KEY": STRAY,
        "AWS_SESSION_TOKEN": STRAY,
        "AWS_PROFILE": "missing",
        "AWS_DEFAULT_REGION": "stray-1",
        "AWS_REGION": "stray-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": str(home / "missing.pem"),
        "AWS_CONFIG_FILE": str(home / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws/credentials"),
        "AWS_DATA_PATH": str(home / ".aws/models"),
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_RETRY_MODE": "adaptive",
        "AWS_MAX_ATTEMPTS": "7",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_SUPPORTED",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "WHEN_SUPPORTED",
        "AWS_DEFAULTS_MODE": "cross-region",
        "AWS_CSM_ENABLED": "true",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), url),
        "REQUESTS_CA_BUNDLE": str(home / "missing.pem"),
        "CURL_CA_BUNDLE": str(home / "missing.pem"),
        "SSL_CERT_FILE": str(home / "missing.pem"),
        "NETRC": str(home / ".netrc"),
    }


def test_a_machine_full_of_settings_changes_nothing(home: Path) -> None:
    """In a process of its own, because the libraries look at their environment when they are imported."""
    with Origin() as origin, Proxy() as proxy:
        plain = os.environ | {"HOME": str(home / "nothing"), "PYTHONHASHSEED": "0"}
        answered = [
            subprocess.run(
                [sys.executable, "-c", ASK, origin.url, ACCESS_KEY],
                env=environment,
                input=SECRET_KEY,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            for environment in (plain, plain | {"HOME": str(home)} | stray_variables(proxy.port, home))
        ]
        assert [run.returncode for run in answered] == [0, 0], [run.stderr for run in answered]
        assert proxy.lines == []
        half = len(origin.seen) // 2
        assert half == 5
        before, after = origin.seen[:half], origin.seen[half:]
        assert STRAY not in str(after)
        for one, other in zip(before, after, strict=True):
            assert (one.method, one.path, one.body) == (other.method, other.path, other.body)
            assert without_time(one.headers) == without_time(other.headers)


def without_time(headers: dict[str, str]) -> dict[str, str]:
    """The headers without what every request has of its own: its number, its date and the signature over it."""
    own = {"x-osc-date", "x-amz-date", "amz-sdk-invocation-id"}
    kept = {name: value for name, value in headers.items() if name not in own}
    return kept | {"authorization": kept.get("authorization", "").partition("Signature=")[0]}


def test_the_given_key_and_region_sign(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Origin() as origin, Proxy() as proxy:
        for name, value in stray_variables(proxy.port, home).items():
            monkeypatch.setenv(name, value)
        subprocess.run(
            [sys.executable, "-c", ASK, origin.url, ACCESS_KEY], input=SECRET_KEY, text=True, check=True, timeout=60
        )
        probe, signed, basic, buckets, objects = origin.seen
        assert "authorization" not in probe.headers
        assert signed.headers["authorization"].startswith(f"OSC4-HMAC-SHA256 Credential={ACCESS_KEY}/")
        assert "/test-1/api/osc4_request" in signed.headers["authorization"]
        assert basic.headers["authorization"].startswith("Basic ")
        for storage in (buckets, objects):
            assert storage.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/")
            assert "/test-1/s3/aws4_request" in storage.headers["authorization"]
            assert "x-amz-security-token" not in storage.headers
        assert objects.path.startswith("/bills?")
