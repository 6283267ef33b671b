"""An endpoint as a person added it: its address, and the models that it listed."""

import hashlib
import re
from pathlib import Path
from typing import Annotated

import msgspec

from desktop.errors import UserError
from desktop.network.url import Url, parse_url
from desktop.safe_text import is_blank, mark_unseen
from desktop.translation import tr

MOST_ENDPOINTS = 50
MOST_MODELS = 1000
"""Models of one endpoint that are listed at most."""
LONGEST_MODEL_ID = 200
LARGEST_CONTEXT = 1 << 27
"""More tokens than any model reads: what an endpoint says beyond it is not believed."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
ContextLength = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_CONTEXT)]


class EndpointError(UserError):
    """An endpoint cannot be added, or called, as it was given."""


class EndpointModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model as its endpoint lists it. `id` is what it is asked for by there. `context_length` in tokens, None where
    the endpoint does not say. `sees_images`: None where the endpoint does not say."""

    id: str
    context_length: ContextLength | None = None
    sees_images: bool | None = None


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """An endpoint. `address` is its base, in the one spelling that `parse_url` gives, without a slash at its end.

    `kind` is the program that seems to answer there, "" where that is not known. `license` is the id of the license
    that its models are under, as the person says, "" for none. `context_length` is what the person says, for those
    models of which the endpoint does not. `former_names` are names that it had: chats may still name them. `checked`
    is when it listed its models last, in seconds since 1970.
    """

    name: str
    address: str
    models: tuple[EndpointModel, ...] = ()
    kind: str = ""
    license: str = ""
    context_length: ContextLength | None = None
    former_names: tuple[str, ...] = ()
    checked: float = 0.0

    @property
    def url(self) -> Url:
        """Its address, taken apart."""
        return parse_url(self.address)

    @property
    def host(self) -> str:
        """Where what is written goes: the host, with its port where that is not the usual one."""
        return self.url.authority

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read what is written: it is https, or stays on this machine."""
        return self.url.scheme == "https" or self.url.loopback

    def is_called(self, name: str) -> bool:
        """Whether it is, or was, called `name`."""
        return name.casefold() in (each.casefold() for each in (self.name, *self.former_names))


class ServedModel(msgspec.Struct, frozen=True):
    """A model with the endpoint that runs it."""

    endpoint: Endpoint
    model: EndpointModel

    @property
    def id(self) -> str:
        """By what people and commands name it: `NAME/model`."""
        return f"{self.endpoint.name}/{self.model.id}"

    @property
    def identity(self) -> str:
        """By what licenses are accepted for it: the address and the model's name there. No file is known, so it has no
        hash; under another address it is another model."""
        return f"{self.endpoint.address}#{self.model.id}"

    @property
    def place(self) -> Path:
        """What stands in the place of a file, which it has none of: whatever it is called, this names no other file."""
        return Path("not-on-this-machine", hashlib.sha256(self.identity.encode()).hexdigest())

    @property
    def context_length(self) -> int | None:
        """The context that it has, in tokens: as the endpoint says, else as the person; None where neither does."""
        return self.model.context_length or self.endpoint.context_length


def check_name(name: str) -> None:
    """Raise EndpointError where an endpoint cannot be called `name`."""
    if not _NAME.fullmatch(name):
        raise EndpointError(
            tr("An endpoint cannot be called “{name}”.").format(name=mark_unseen(name, 60)),
            tr("A name has up to 40 letters of the English alphabet, digits, dots, dashes and underscores."),
            tr("Choose another name."),
        )


def is_model_id(text: str) -> bool:
    """Whether a model may be called so: one line that can be seen, and that no other name looks like for its marks."""
    return 0 < len(text) <= LONGEST_MODEL_ID and text.isprintable() and text == text.strip() and not is_blank(text)
