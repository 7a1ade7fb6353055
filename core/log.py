"""Log files of the home folder. What is logged is ours to choose: no payload, no header, no secret."""

import logging
from logging.handlers import RotatingFileHandler

from core.settings import Settings

_QUIET = (
    "botocore",
    "boto3",
    "urllib3",
    "s3transfer",
    "alembic",
    "osc_sdk_python",
    "watchdog",
    "asyncio",
    "authlib",
    "httpcore",
    "httpx",
)
"""Libraries that print requests, signatures or payloads at their lower levels."""


def start_logging(settings: Settings, name: str, *, level: int | None = None) -> None:
    """Write this process's log to `<home>/logs/<name>.log` (1 MiB, three older ones kept). Done once a process."""
    root = logging.getLogger()
    if any(isinstance(handler, RotatingFileHandler) for handler in root.handlers):
        return
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # of what `parents` makes, others could read it
        settings.logs.mkdir(mode=0o700, exist_ok=True)
        handler = RotatingFileHandler(settings.logs / f"{name}.log", maxBytes=1 << 20, backupCount=3)
    except OSError:
        return  # a home that cannot be written gets its clear line where it is opened
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(level or settings.log_level)
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.WARNING)
