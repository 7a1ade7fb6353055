"""Files in the age format (age-encryption.org/v1) whose passphrase takes next to no work, for tests that are not about
that work. `pyrage` always asks for about a second and a gigabyte; it reads these as it reads its own."""

import base64
import os

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

WORK = 10
"""The logarithm of scrypt's n; `pyrage` takes about 20."""
_CHUNK = 64 * 1024


def encrypt(plaintext: bytes, passphrase: str) -> bytes:
    """The file of this content."""
    key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    scrypt = Scrypt(salt=b"age-encryption.org/v1/scrypt" + salt, length=32, n=2**WORK, r=8, p=1)
    wrapped = ChaCha20Poly1305(scrypt.derive(passphrase.encode())).encrypt(bytes(12), key, None)
    head = b"age-encryption.org/v1\n-> scrypt %b %d\n%b\n---" % (_text(salt), WORK, _text(wrapped))
    mac = hmac.HMAC(_derived(key, b"", b"header"), hashes.SHA256())
    mac.update(head)
    sealed = ChaCha20Poly1305(_derived(key, nonce, b"payload"))
    starts = range(0, len(plaintext) or 1, _CHUNK)
    chunks = [
        sealed.encrypt(number.to_bytes(11) + bytes([number == len(starts) - 1]), plaintext[at : at + _CHUNK], None)
        for number, at in enumerate(starts)
    ]
    return b"%b %b\n%b%b" % (head, _text(mac.finalize()), nonce, b"".join(chunks))


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose).derive(key)


def _text(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")
