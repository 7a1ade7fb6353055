"""How much of a file is taken in before it is said to be too much."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds against files that are broken, or made to fill memory and disk. Sizes are bytes."""

    unpacked: int = 32 * 1024 * MIB
    """What a packed file may come to."""
    ratio: int = 400
    """How many times its packed size; real bills reach fifty."""
    ratio_from: int = 64 * MIB
    """Smaller results may have any ratio."""
    entries: int = 1_000
    """Files in a zip."""
    columns: int = 2_000
    line: int = MIB
    """One line of text."""
    sheet: int = 256 * MIB
    """An XLSX file, which is read whole."""
    record_lines: int = 50
    """Lines that one quoted cell may span."""


LIMITS = Limits()
