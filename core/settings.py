"""What can be set from outside: environment variables with the prefix `ONBOARDING_`."""

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, EmailStr, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.domain.roles import Role

# The dashboard and the sandbox run in another working folder than the command that starts them.
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Settings(BaseSettings):
    """The settings of one process, read once from the environment. Every field's description is its manual."""

    model_config = SettingsConfigDict(env_prefix="ONBOARDING_", frozen=True)

    home: AbsolutePath = Field(
        default_factory=lambda: user_data_path("outscale-onboarding"),
        description="Folder of the database, the master key, the logs and the sandbox.",
    )
    port: int = Field(8501, ge=1, le=65535, description="Port of the dashboard.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the log files under the home folder say."
    )
    regions: AbsolutePath | None = Field(
        None, description="TOML file of further Regions: [[region]] name, label, api, oos, ca_file."
    )
    master_key: SecretStr | None = Field(
        None,
        description="Master key, 32 bytes in base64; several with commas or blanks between, the newest first. Without "
        "it: the file master.key in the home folder.",
    )
    master_key_command: str | None = Field(
        None,
        description="Command of a secret manager that prints the master key, or several as above, such as "
        "`pass show onboarding`. It runs without a shell; put no secret into it.",
    )
    backup_passphrase: SecretStr | None = Field(
        None, description="Passphrase of backups, for those that run by themselves. Without it, it is asked for."
    )
    operator: str = Field("operator", min_length=1, max_length=64, description="Name under which changes are recorded.")
    connect_timeout: float = Field(5.0, gt=0, le=60, description="Seconds to wait for a connection.")
    read_timeout: float = Field(20.0, gt=0, le=300, description="Seconds to wait for an answer.")
    check_workers: int = Field(16, ge=1, le=64, description="Checks that run at the same time.")
    sandbox: bool = Field(True, description="Whether `onboarding run` starts the local sandbox too.")
    sandbox_port: int = Field(
        8610,
        ge=1,
        le=65532,
        description="First of four ports of the sandbox: two OUTSCALE APIs, then two object storages.",
    )
    sales_address: EmailStr = Field("sales@outscale.com", description="Who gets requests for new accounts.")
    support_address: EmailStr = Field(
        "support@outscale.com",
        description="Who gets requests for copies to another Region: support, or your Technical Account Manager.",
    )
    alerts_address: EmailStr | None = Field(
        None, description="Who gets a mail about budgets, spikes and missing bills; nobody when not set."
    )
    costs_bucket: str | None = Field(
        None,
        pattern=r"^[^/]+/[^/]+/[^/]+$",
        description="Bucket of your own that keeps the lines of bills too, as CREDENTIALS/REGION/BUCKET: the key of "
        "these project credentials must be allowed to write into it.",
    )
    dask: str | None = Field(
        None,
        description="Scheduler of a Dask cluster that reads bill files: tls://host:8786, or tcp:// on this machine. "
        "Without it, processes of this machine do.",
    )
    syslog: str | None = Field(
        None,
        description="Where every event of the audit trail is copied to: udp://host:514, tcp://host:514 or "
        "unix:///dev/log; nowhere when not set.",
    )
    smtp_host: str | None = Field(
        None, description="Mail server that sends requests. Without it, your own mail program sends them."
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_user: str | None = Field(None, description="Name to sign in with at the mail server; none when not set.")
    smtp_password: SecretStr | None = Field(None, description="Password to sign in with at the mail server.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        validate_default=True,
        description="How the way to the mail server is secured: starttls (port 587), tls (port 465) or none.",
    )
    smtp_ca_file: AbsolutePath | None = Field(
        None, description="PEM file of the authority that signed the mail server's certificate, when no public one did."
    )
    smtp_from: EmailStr | None = Field(
        None, validate_default=True, description="Sender of the requests; needed with a mail server."
    )

    oidc_issuer: str | None = Field(
        None,
        description="Address of the OpenID Connect provider that people sign in at, as it names itself. Without it, "
        "the dashboard has one local operator.",
    )
    oidc_client_id: str | None = Field(
        None, validate_default=True, description="What the provider calls this dashboard; needed with a provider."
    )
    oidc_client_secret: SecretStr | None = Field(
        None, validate_default=True, description="The dashboard's password at the provider; needed with a provider."
    )
    oidc_scope: str = Field("openid email profile", description="What the provider is asked for, in words of its own.")
    oidc_ca_file: AbsolutePath | None = Field(
        None, description="PEM file of the authority that signed the provider's certificate, when no public one did."
    )
    oidc_roles_claim: str = Field(
        "groups",
        min_length=1,
        description="Claim that holds a person's groups; `realm_access.roles` is the claim `roles` in `realm_access`.",
    )
    oidc_roles: Annotated[dict[str, Role], NoDecode] = Field(
        default_factory=dict,
        validate_default=True,
        description="Which group has which role, as GROUP=ROLE,GROUP=ROLE or JSON. Who is in several has the role that "
        "may do most: administrator, operator, finance, auditor, presenter.",
    )
    oidc_recheck_minutes: float = Field(
        5,
        ge=0,
        le=60,
        description="How often the provider is asked whether somebody still has the role; 0: at sign-in.",
    )
    session_hours: float = Field(8, gt=0, le=168, description="How long somebody stays signed in.")
    public_address: str | None = Field(
        None,
        description="Address that browsers open the dashboard at, such as https://onboarding.example.com. The provider "
        "must know it with /oauth2callback behind it.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses of the reverse proxies whose word on a browser's own address is taken, by commas.",
    )
    address: str = Field(
        "127.0.0.1",
        description="Address that the dashboard listens at; others than 127.0.0.1 and ::1 need a provider.",
    )

    @field_validator("oidc_issuer", "public_address")
    @classmethod
    def _private_way(cls, address: str | None) -> str | None:
        """Tokens and cookies pass there."""
        if address is None:
            return None
        parts = urlsplit(address)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise PydanticCustomError("way", "Write an address that begins with https://")
        if parts.scheme == "http" and not _loopback(parts.hostname):
            raise PydanticCustomError("way", "It must begin with https://; http:// is for this machine only")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise PydanticCustomError("way", "Write the plain address, without a name, a question or a mark")
        return address.rstrip("/")

    @field_validator("public_address")
    @classmethod
    def _no_folder(cls, address: str | None) -> str | None:
        if address and urlsplit(address).path:
            raise PydanticCustomError("folder", "The dashboard has no folder: end it with the name or the port")
        return address

    @field_validator("oidc_client_id", "oidc_client_secret")
    @classmethod
    def _needed_to_ask(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("oidc_issuer") and not value:
            raise PydanticCustomError("needed", "The provider needs it")
        return value

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            if value.lstrip().startswith("{"):
                return dict(json.loads(value))
            pairs = [pair.rpartition("=") for pair in value.split(",") if pair.strip()]
            if not all(group.strip() for group, _, _ in pairs):
                raise ValueError
            return {group.strip(): role.strip() for group, _, role in pairs}
        except ValueError:
            raise PydanticCustomError("pairs", "Write it as GROUP=ROLE,GROUP=ROLE or as JSON") from None

    @field_validator("oidc_roles")
    @classmethod
    def _somebody(cls, roles: dict[str, Role], info: ValidationInfo) -> dict[str, Role]:
        if info.data.get("oidc_issuer") and Role.ADMINISTRATOR not in roles.values():
            raise PydanticCustomError("somebody", "Give at least one group the role administrator")
        return roles

    @field_validator("address")
    @classmethod
    def _an_address(cls, address: str) -> str:
        try:
            return str(ip_address(address))
        except ValueError:
            raise PydanticCustomError("address", "Write an IP address, such as 127.0.0.1") from None

    @property
    def address_problem(self) -> str | None:
        """Why the dashboard must not listen at its address, in one line; None when it may."""
        if _loopback(self.address):
            return None
        if not self.oidc_issuer:
            return (
                f"The dashboard does not listen at {self.address}: without sign-in it is for this machine only. Set "
                "ONBOARDING_OIDC_ISSUER so that people sign in, or leave ONBOARDING_ADDRESS at 127.0.0.1."
            )
        if not self.public_address:
            return (
                f"The dashboard does not listen at {self.address}: the provider could not send people back to it. Set "
                "ONBOARDING_PUBLIC_ADDRESS to the address that browsers open."
            )
        return None

    @property
    def browser_address(self) -> str:
        """The address that browsers open."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return self.public_address or f"http://{host}:{self.port}"

    @property
    def oidc_metadata(self) -> str:
        """Where the provider describes itself."""
        return f"{self.oidc_issuer}/.well-known/openid-configuration"

    @field_validator("dask")
    @classmethod
    def _keys_stay_here(cls, address: str | None) -> str | None:
        """Workers are sent the billing key that opens a file's bucket."""
        if address is None:
            return None
        parts = urlsplit(address)
        if parts.scheme not in {"tls", "tcp"} or not parts.hostname:
            raise PydanticCustomError("dask", "A scheduler is named like tls://host:8786")
        if parts.scheme == "tcp" and not _loopback(parts.hostname):
            raise PydanticCustomError("dask", "Keys go to another machine by tls:// only")
        return address

    @field_validator("syslog")
    @classmethod
    def _syslog_is_named(cls, address: str | None) -> str | None:
        if address is None:
            return None
        parts = urlsplit(address)
        try:
            network = parts.scheme in {"udp", "tcp"} and parts.hostname and (parts.port or 514) and not parts.path
        except ValueError:  # a port that is none
            network = False
        if network or (parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1):
            return address
        raise PydanticCustomError("syslog", "It is named like udp://host:514, tcp://host:514 or unix:///dev/log")

    @field_validator("smtp_tls")
    @classmethod
    def _password_stays_here(cls, tls: str, info: ValidationInfo) -> str:
        host = info.data.get("smtp_host")
        if tls == "none" and info.data.get("smtp_password") and not _loopback(host or ""):
            raise PydanticCustomError("smtp_tls", "A password goes to another machine by starttls or tls only")
        return tls

    @field_validator("smtp_from")
    @classmethod
    def _sender(cls, sender: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("smtp_host") and not sender:
            raise PydanticCustomError("smtp_from", "The mail server needs a sender's address")
        return sender

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "onboarding.db"

    @property
    def sandbox_file(self) -> Path:
        """The file that tells any client where the sandbox is and which demo keys it has (mode 0600)."""
        return self.home / "sandbox.json"

    @property
    def sandbox_state(self) -> Path:
        """The sandbox's own folder: its accounts and its object storage."""
        return self.home / "sandbox"

    @property
    def costs(self) -> Path:
        """The folder of the lines of bill files, as Parquet."""
        return self.home / "costs"

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.home / "logs"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
