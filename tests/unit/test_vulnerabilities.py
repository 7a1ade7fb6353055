"""What `make check` makes of pip-audit's answer: a vulnerability fails it, a service that is away does not."""

import json
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "vulnerabilities.py"
WELL = {"name": "well", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "1.0", "vulns": [{"id": "PYSEC-0-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "said", "code", "words"),
    [
        ([WELL, WELL], "", 0, "no known vulnerability in 2 packages."),
        ([WELL, UNKNOWN], "", 0, "1 are not known to the service"),
        ([WELL, BAD, UNKNOWN], "", 1, "bad 1.0 has PYSEC-0-1; mended in 1.1."),
        ([UNKNOWN, UNKNOWN], "", 0, "NOT compared"),
        (None, "…\nrequests.exceptions.ConnectionError: Failed to resolve", 0, "NOT compared"),
        (None, "usage: pip-audit\npip-audit: error: unrecognized arguments", 1, "it broke: pip-audit: error"),
        (None, "", 1, "it said nothing"),
    ],
)
def test_the_verdict(
    packages: list[dict] | None, said: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = runpy.run_path(str(SCRIPT))["verdict"]
    assert verdict(json.dumps({"dependencies": packages}) if packages else "", said) == code
    told = capsys.readouterr()
    assert words in told.out + told.err
    assert len((told.out + told.err).splitlines()) == 1
