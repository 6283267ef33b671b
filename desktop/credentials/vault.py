"""Encryption of the vault file with a passphrase: for systems without a keyring that can be used.

Argon2id (RFC 9106) makes two keys of the passphrase: one encrypts (AES-256-GCM), the other only tells a wrong
passphrase from a file that was tampered with. The cost of Argon2id stands in the file, so that it can grow; it is bound
to what is encrypted, and held within bounds, so that a file cannot make us fill the memory.
"""

import hashlib
import hmac
import os
import unicodedata
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from desktop.errors import AccessError, IntegrityError
from desktop.translation import tr

MIN_PASSPHRASE_LENGTH = 8
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32
_MOST_MEMORY_KIB, _MOST_ITERATIONS, _MOST_LANES = 1 << 20, 64, 64


class KdfCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cost parameters of Argon2id. The default is the second choice of RFC 9106: a tenth of a second here."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4


class VaultHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The unencrypted header of the file; authenticated together with the encrypted content."""

    version: Literal[1]
    kdf: Literal["argon2id"]
    cost: KdfCost
    salt: str
    check: str


class _VaultFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: VaultHeader
    nonce: str
    sealed: str
    sum: str


class WrongPassphraseError(AccessError):
    """The passphrase is not the one the vault was closed with."""


class VaultKey:
    """The key of one vault, as long as it is open. `repr` shows nothing of it."""

    def __init__(self, header: VaultHeader, secret: bytes) -> None:
        self.header = header
        self._secret = secret

    def seal(self, content: bytes) -> bytes:
        """The whole file that holds `content`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._secret).encrypt(nonce, content, msgspec.json.encode(self.header))
        file = _VaultFile(self.header, nonce.hex(), sealed.hex(), "")
        file = msgspec.structs.replace(file, sum=_sum(file))
        return msgspec.json.encode(file) + b"\n"

    def unseal(self, data: bytes) -> bytes | None:
        """What the file `data` holds; None where it was closed with another key. Raises IntegrityError."""
        file = _read(data)
        if file.header != self.header:
            return None
        try:
            nonce, sealed = bytes.fromhex(file.nonce), bytes.fromhex(file.sealed)
            return AESGCM(self._secret).decrypt(nonce, sealed, msgspec.json.encode(file.header))
        except (InvalidTag, ValueError) as error:
            raise vault_damaged_error(type(error).__name__) from error


def new_vault_key(passphrase: str, cost: KdfCost | None = None) -> VaultKey:
    """The key of a vault that is to be made. Raises AccessError for a passphrase that is too short."""
    if len(passphrase) < MIN_PASSPHRASE_LENGTH:
        raise AccessError(
            tr("The passphrase is too short."),
            tr("Whoever gets hold of the file can try millions of them."),
            tr("Take at least {count} characters; several words are best.").format(count=MIN_PASSPHRASE_LENGTH),
        )
    cost = cost or KdfCost()
    salt = os.urandom(_SALT_BYTES)
    secret, check = _derive(passphrase, salt, cost)
    return VaultKey(VaultHeader(1, "argon2id", cost, salt.hex(), check), secret)


def open_vault_key(data: bytes, passphrase: str) -> VaultKey:
    """The key of the vault whose file is `data`. Raises WrongPassphraseError and IntegrityError."""
    header = _read(data).header
    secret, check = _derive(passphrase, bytes.fromhex(header.salt), header.cost)
    if not hmac.compare_digest(check, header.check):
        raise WrongPassphraseError(
            tr("The passphrase is wrong."),
            tr("The vault stays closed."),
            tr("Try again. Without the passphrase nobody can open it; forget the vault and enter the token anew."),
        )
    return VaultKey(header, secret)


def vault_damaged_error(technical: str) -> IntegrityError:
    """The vault's file is not what was written."""
    return IntegrityError(
        tr("The vault of access tokens is damaged."),
        tr("Its file is not as Latchkey wrote it, so nothing of it is used."),
        tr("Put a backup of it back, or forget the vault and enter the token anew."),
        technical=technical,
    )


def _read(data: bytes) -> _VaultFile:
    try:
        file = msgspec.json.decode(data, type=_VaultFile)
        salt = bytes.fromhex(file.header.salt)
    except (ValueError, RecursionError) as error:  # msgspec's errors too
        raise vault_damaged_error(type(error).__name__) from error
    cost = file.header.cost
    bounded = (
        0 < cost.lanes <= _MOST_LANES
        and 0 < cost.iterations <= _MOST_ITERATIONS
        and 8 * cost.lanes <= cost.memory_kib <= _MOST_MEMORY_KIB
    )
    if not bounded or len(salt) != _SALT_BYTES or file.sum != _sum(file):
        raise vault_damaged_error("sum or bounds")
    return file


def _sum(file: _VaultFile) -> str:
    """Shows damage before anybody is told that the passphrase is wrong; anybody can compute it."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(file, sum=""))).hexdigest()


def _derive(passphrase: str, salt: bytes, cost: KdfCost) -> tuple[bytes, str]:
    derivation = Argon2id(
        salt=salt,
        length=2 * _KEY_BYTES,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    # One passphrase, however the keyboard composes its letters.
    made = derivation.derive(unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass"))
    return made[:_KEY_BYTES], hashlib.sha256(made[_KEY_BYTES:]).hexdigest()
