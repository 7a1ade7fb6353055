"""What can be set from outside: environment variables with the prefix `ONBOARDING_`."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, EmailStr, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

# The dashboard and the sandbox run in another working folder than the command that starts them.
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Settings(BaseSettings):
    """The settings of one process, read once from the environment. Every field's description is its manual."""

    model_config = SettingsConfigDict(env_prefix="ONBOARDING_", frozen=True)

    home: AbsolutePath = Field(
        default_factory=lambda: user_data_path("outscale-onboarding"),
        description="Folder of the database, the master key, the logs and the sandbox.",
    )
    port: int = Field(8501, ge=1, le=65535, description="Port of the dashboard, on 127.0.0.1.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the log files under the home folder say."
    )
    regions: AbsolutePath | None = Field(
        None, description="TOML file of further Regions: [[region]] name, label, api, oos, ca_file."
    )
    master_key: SecretStr | None = Field(
        None, description="Master key, 32 bytes in base64. Without it: the file master.key in the home folder."
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
