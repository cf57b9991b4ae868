"""The publisher's word on one version: a signature over a canonical manifest.

What is signed is not an archive but what the version *is*: kind, name, number, digest, size. So a good signature cannot
be shown under another name or number, and whoever holds the files can check it. Keys are the publisher's own, OpenPGP
(:mod:`.openpgp`) or OpenSSH (:mod:`.ssh`); a key that was revoked, or had expired when the version was published, does
not count, whatever the kind itself would say.
"""

from molthub.publisher_signatures.keyring import Keyring, key_kind
from molthub.publisher_signatures.release import (
    MAX_SIGNATURE,
    NAMESPACE,
    Demand,
    Release,
    Signer,
    demanded_by,
    demands,
)
from molthub.publisher_signatures.sign import Signing

__all__ = [
    "MAX_SIGNATURE",
    "NAMESPACE",
    "Demand",
    "Keyring",
    "Release",
    "Signer",
    "Signing",
    "demanded_by",
    "demands",
    "key_kind",
]
