"""What can be said of a bill file from its object key alone. OUTSCALE documents no format (facts, section 7)."""

from pathlib import PurePosixPath

_TABLES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx"})
_WRAPPED = frozenset({".gz", ".zip", ".zst"})


def looks_like_bill(key: str) -> bool:
    """Whether an object key ends as a table of figures does, packed or not."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(key).suffixes]
    if not suffixes:
        return False
    return suffixes[-1] in _TABLES or suffixes[-1] in _WRAPPED
