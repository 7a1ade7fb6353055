"""The sandbox's log of calls: 32 days, the newest first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.sandbox.api_log import ApiLog, LogLine


def _line(days: float, account_id: str = "1") -> LogLine:
    return LogLine(
        account_id=account_id,
        access_key="A",
        call=f"{days} days ago",
        version="1",
        at=datetime.now(UTC) - timedelta(days=days),
        address="127.0.0.1",
        agent="",
        header_size=0,
        payload_size=0,
        status=200,
        microseconds=1,
        request_id="",
        size=0,
    )


def test_it_keeps_32_days_also_over_a_restart(tmp_path: Path) -> None:
    log = ApiLog(tmp_path / "log")
    for days in (33, 31.9, 1):
        log.add(_line(days))
    log.add(_line(1, account_id="2"))
    shown = ["1 days ago", "31.9 days ago"]
    assert [line.call for line in log.of("1")] == shown
    log.close()
    again = ApiLog(tmp_path / "log")
    assert [line.call for line in again.of("1")] == shown
    assert "33 days ago" not in (tmp_path / "log").read_text()
