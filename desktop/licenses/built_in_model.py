"""Recognizes the built-in model by its SHA-256: the one model that needs no acknowledgement.

It came with the program, from the same people, under the program's license. It is told from every other file by its
contents alone: a file of the same name in the same place with other contents is a model like any other. Nothing that a
person, a catalog, an argument or the environment says adds to this.
"""

BUILT_IN_SHA256 = "a9e7d0eed7038beb91ec373944bb9eea2fd5268afb5b73b293bc86e3197e726b"
"""The SHA-256 of `resources/builtin/latchkey-guide.gguf`. Whoever trains it anew changes this, and models.toml."""


def is_built_in(sha256: str) -> bool:
    """Whether a file with this SHA-256 (hexadecimal) is the built-in model."""
    return sha256 == BUILT_IN_SHA256
