"""Compare the locked packages with the known vulnerabilities (pip-audit); a part of `make check`.

Ends with 1 when a package has one that is not answered below. Where the service that knows them is not reached, nothing
can be compared: one line says so, and the check goes on."""

# ruff: noqa: T201 - it is a command, and prints

import json
import subprocess
import sys
from pathlib import Path

ANSWERED: dict[str, str] = {}
"""Vulnerabilities that do not concern this program, by id, each with the reason."""

LOCKS = ("requirements/runtime.txt", "requirements/dev.txt")
SECONDS = 50
_AWAY = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError", "timed out", "Failed to resolve")


def main() -> int:
    """Ask, and say what came out."""
    command = [str(Path(sys.executable).with_name("pip-audit")), "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    for lock in LOCKS:
        command += ["--requirement", lock]
    for vulnerability in ANSWERED:
        command += ["--ignore-vuln", vulnerability]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return _not_compared(f"the service did not answer within {SECONDS} s")
    return verdict(done.stdout, done.stderr)


def verdict(answer: str, said: str) -> int:
    """The exit code for what pip-audit wrote on its two outputs."""
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        if any(word in said for word in _AWAY):
            return _not_compared("the service is not reached from here")
        print(f"pip-audit: it broke: {last}", file=sys.stderr)
        return 1
    bad = [(one, found) for one in packages for found in one.get("vulns", ())]
    for one, found in bad:
        mended = ", ".join(found["fix_versions"]) or "no version yet"
        print(f"pip-audit: {one['name']} {one['version']} has {found['id']}; mended in {mended}.", file=sys.stderr)
    unknown = sum("skip_reason" in one for one in packages)
    if bad:
        return 1
    if unknown == len(packages):
        return _not_compared("the service from here knows none of these packages")
    rest = f"; {unknown} are not known to the service" if unknown else ""
    print(f"pip-audit: no known vulnerability in {len(packages) - unknown} packages{rest}.")
    return 0


def _not_compared(why: str) -> int:
    print(f"pip-audit: NOT compared with known vulnerabilities: {why}. Run make check where it is reached.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
