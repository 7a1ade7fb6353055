"""AES-256-GCM as the vault uses it, and the one function that everything sealed is opened with."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE = 12
_TAG = 16


def new_key() -> bytes:
    """A random key."""
    return AESGCM.generate_key(KEY_BYTES * 8)


def encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    """Encrypt under a fresh nonce. `bound` is authenticated and not kept. Returns nonce, ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """Decrypt what `encrypt` gave.

    Raises InvalidTag for everything else: altered, cut, bound to something else, another key, or a key, nonce or tag
    of another length."""
    if len(key) != KEY_BYTES or len(sealed) < _NONCE + _TAG:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
