"""No screen writes HTML of its own, and none keeps what belongs to a person where sessions share it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCREENS = [path for folder in ("dashboard", "pages") for path in (ROOT / folder).rglob("*.py")]
HTML = re.compile(r"unsafe_allow_html|st\.html\(|st\.iframe\(|components\.v[12]|unsafe_allow_javascript")
SHARED = re.compile(r"st\.cache_(?:data|resource)|functools\.(?:lru_)?cache|@(?:lru_)?cache\b")


def lines(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in SCREENS
        for line in path.read_text().splitlines()
        if pattern.search(line)
    ]


def test_text_is_never_html() -> None:
    assert len(SCREENS) > 30
    assert lines(HTML) == []


def test_sessions_share_the_opened_program_alone() -> None:
    # What the second one remembers is asked for with the comparison that it is made of, which a session holds already.
    assert lines(SHARED) == [
        "dashboard/session.py: @st.cache_resource(show_spinner=False)",
        *["dashboard/widgets/cost_chart.py: @lru_cache(maxsize=4)"] * 2,
    ]
