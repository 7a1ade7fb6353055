"""Keypairs: made with `cryptography`; the private key leaves once and is not kept."""

import base64
import binascii
import hashlib
import secrets
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_public_key,
)

from core.sandbox.asking import Answer, Asking, Call
from core.sandbox.calls.parameters import Parameters, matches, page
from core.sandbox.refusals import BAD_VALUE, DUPLICATE_KEYPAIR, MISSING, NO_SUCH_KEYPAIR, RefusedError
from core.sandbox.world import Keypair


def read_keypairs(asking: Asking, parameters: Parameters) -> Answer:
    """The account's keypairs. None has a tag, so that a filter by tag finds none."""
    filters = parameters.get("Filters", {})
    tagged = any(filters.get(name) for name in ("Tags", "TagKeys", "TagValues"))
    found = [
        _shown(one)
        for one in asking.own.keypairs
        if not tagged
        and matches(one.name, filters.get("KeypairNames"))
        and matches(one.keypair_id, filters.get("KeypairIds"))
        and matches(one.kind, filters.get("KeypairTypes"))
        and matches(one.fingerprint, filters.get("KeypairFingerprints"))
    ]
    part, token = page(parameters, len(found))
    return {"Keypairs": found[part], **token}


def create_keypair(asking: Asking, parameters: Parameters) -> Answer:
    """A new keypair, generated here or made of a public key in Base64."""
    name = parameters["KeypairName"]
    if not 0 < len(name) <= 255 or not name.isascii() or not name.isprintable():
        raise RefusedError(BAD_VALUE, "The parameter KeypairName must have 1 to 255 printable ASCII characters.")
    if any(one.name == name for one in asking.own.keypairs):
        raise RefusedError(DUPLICATE_KEYPAIR, "There is a keypair of this name already.")
    extra = {}
    if "PublicKey" in parameters:
        line = _imported(parameters["PublicKey"])
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        extra = {"PrivateKey": pem.decode()}
        line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    kind, body = line.split()[:2]
    digest = hashlib.md5(base64.b64decode(body), usedforsecurity=False).hexdigest()
    keypair = Keypair(
        name=name,
        keypair_id=f"key-{secrets.token_hex(16)}",
        kind=kind.decode(),
        fingerprint=":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
    )
    asking.own.keypairs.append(keypair)
    asking.changed = True
    return {"Keypair": _shown(keypair) | extra}


def delete_keypair(asking: Asking, parameters: Parameters) -> Answer:
    """Delete a keypair by its name or its ID."""
    name, keypair_id = parameters.get("KeypairName"), parameters.get("KeypairId")
    if not (name or keypair_id):
        raise RefusedError(MISSING, "Missing parameter: KeypairName or KeypairId.")
    keypairs = asking.own.keypairs
    found = next((one for one in keypairs if name in (None, one.name) and keypair_id in (None, one.keypair_id)), None)
    if found is None:
        raise RefusedError(NO_SUCH_KEYPAIR, "There is no such keypair.")
    keypairs.remove(found)
    asking.changed = True
    return {}


def _imported(public_key: str) -> bytes:
    try:
        public = load_ssh_public_key(base64.b64decode(public_key, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise RefusedError(BAD_VALUE, "The parameter PublicKey is no OpenSSH public key in Base64.") from None
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def _shown(keypair: Keypair) -> dict[str, Any]:
    return {
        "KeypairName": keypair.name,
        "KeypairId": keypair.keypair_id,
        "KeypairType": keypair.kind,
        "KeypairFingerprint": keypair.fingerprint,
        "Tags": [],
    }


KEYPAIR_CALLS: dict[str, Call] = {
    "ReadKeypairs": read_keypairs,
    "CreateKeypair": create_keypair,
    "DeleteKeypair": delete_keypair,
}
