"""What a password or passphrase that people choose here must be."""

from pydantic import SecretStr

LEAST_LETTERS = 12
LEAST_DIFFERENT = 5
PASSPHRASE_RULE = f"At least {LEAST_LETTERS} characters, {LEAST_DIFFERENT} of them different."


def weakness(chosen: SecretStr) -> str | None:
    """Why it is too weak, as the end of a sentence; None when it is not."""
    text = chosen.get_secret_value()
    if len(text) < LEAST_LETTERS or text.isspace():
        return f"has fewer than {LEAST_LETTERS} characters."
    if len(set(text)) < LEAST_DIFFERENT:
        return f"has fewer than {LEAST_DIFFERENT} different characters."
    return None
