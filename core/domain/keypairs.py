"""Keypairs: their names, and public keys that are imported."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from core.domain.credentials import FieldProblem

NAME_LENGTH = 255
NAME_RULE = "1 to 255 characters: letters without accents, digits, blanks and the usual signs."
PUBLIC_KEY_FORM = "ssh-ed25519 AAAA… name"

_PRIVATE = ("PRIVATE KEY", "PuTTY-User-Key-File")


def keypair_name_problem(name: str) -> FieldProblem | None:
    """Check a keypair's name: printable ASCII, at most 255 characters (API reference, CreateKeypair)."""
    if not name:
        what = "The name is missing."
    elif len(name) > NAME_LENGTH:
        what = f"The name has {len(name)} characters; {NAME_LENGTH} is the most."
    elif not (name.isascii() and name.isprintable()):
        what = "The name has a character that is not allowed."
    else:
        return None
    return FieldProblem(field="name", what=what, mend=NAME_RULE)


def is_private_key(text: str) -> bool:
    """Whether a pasted text holds a private key, of OpenSSH, PEM or PuTTY."""
    return any(mark in text for mark in _PRIVATE)


def public_key_problem(text: str) -> FieldProblem | None:
    """Check a public key: one line in the form of OpenSSH. What is pasted is not quoted: it could be a private key."""
    mend = f"Paste the one line of the file that ends in .pub: {PUBLIC_KEY_FORM}"
    if not text:
        what = "The public key is missing."
    elif is_private_key(text):
        what = "This is a private key. It was not sent and is forgotten; it should stay with its owner."
    elif "\n" in text or "\r" in text:
        what = "This is more than one line."
    else:
        try:
            load_ssh_public_key(text.encode())
        except (ValueError, UnsupportedAlgorithm):
            what = "This is not a public key in the form of OpenSSH."
        else:
            return None
    return FieldProblem(field="public_key", what=what, mend=mend)
