"""The documentation's site: it is whole, its written pages say what the program says, and a bad link fails it."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.services.help import Kind, entries
from core.settings import Settings

ROOT = Path(__file__).parents[2]
HOOK = ROOT / ".ci" / "docs.py"
OUTSIDE = re.compile(r"""(?:src|<link[^>]*href)=["'](?:https?:)?//|url\(["']?(?:https?:)?//""")


def built(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    mkdocs = Path(sys.executable).with_name("mkdocs")
    command = [mkdocs, "build", "--strict", "--config-file", config, "--site-dir", site]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    done = built(ROOT / ".ci" / "mkdocs.yml", made)
    assert done.returncode == 0, done.stderr
    return made


def test_every_page_is_there_and_asks_no_other_host(site: Path) -> None:
    made = {path.stem for path in site.glob("*.html")}
    assert {"index", "operators", "finance", "presenters", "install", "settings", "security", "backup"} <= made
    assert {"architecture", "codes", "terms", "rights", "terminal", "bills", "regions"} <= made
    asking = [path.name for path in site.rglob("*") if path.suffix in (".html", ".css") and asks(path)]
    assert asking == []


def asks(path: Path) -> bool:
    return bool(OUTSIDE.search(path.read_text(encoding="utf-8")))


def test_written_pages_say_what_the_program_says(site: Path) -> None:
    codes = (site / "codes.html").read_text(encoding="utf-8")
    missing = [one.title for one in entries() for code in one.codes if not re.search(rf"\b{code}\b", codes)]
    assert missing == []
    assert "An API access rule of the account refuses" in codes
    terms = (site / "terms.html").read_text(encoding="utf-8")
    assert [one.title for one in entries() if one.kind in (Kind.TERM, Kind.CHECK) and one.title not in terms] == []
    settings = (site / "settings.html").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"ONBOARDING_{name.upper()}" not in settings] == []
    assert "billing only" in (site / "rights.html").read_text(encoding="utf-8")


def test_bad_links_fail_it(tmp_path: Path) -> None:
    for name in ("mkdocs.yml", "docs.py"):
        (tmp_path / ".ci").mkdir(exist_ok=True)
        shutil.copy(ROOT / ".ci" / name, tmp_path / ".ci" / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    with (tmp_path / "docs" / "finance.md").open("a", encoding="utf-8") as page:
        page.write(
            "\n[a](nowhere.md) [b](operators.md#no-such-part) [c](http://docs.example.org/) ![d](https://example.org/d.png)"
        )
    done = built(tmp_path / ".ci" / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 1
    for said in (
        "'nowhere.md'",
        "#no-such-part",
        "http://docs.example.org/ does not begin with https://",
        "img is fetched from another host: https://example.org/d.png",
    ):
        assert said in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="https://docs.example.org/x">', ""),
        ('<a href="finance.html#a">', ""),
        ('<a href="mailto:support@outscale.com">', ""),
        ('<a href="http://127.0.0.1:8501">', ""),
        ('<a href="http://example.org">', "https://"),
        ('<a href="https://example">', "names no host"),
        ('<a href="https://exam ple.org/">', "blank"),
        ('<a href="mailto:nobody">', "https://"),
        ('<a href="//example.org/x">', "https://"),
        ('<a href="https://[x">', "cannot be read"),
        ('<script src="https://cdn.example.org/x.js">', "another host"),
        ('<link href="//fonts.example.org/x.css">', "another host"),
        ('<img src="pictures/x.png">', ""),
    ],
)
def test_the_form_of_links(html: str, said: str) -> None:
    found = runpy.run_path(str(HOOK))["problems"](html)
    assert bool(found) is bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md"])
def test_links_of_the_files_beside_it(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [one for one in targets if not one.startswith("https://") and not (ROOT / one).exists()] == []
