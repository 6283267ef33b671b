"""What the pages about access show, as values: made off the main thread by the flow, drawn by the pages."""

from dataclasses import dataclass

from desktop.credentials.token_store import TokenPlace, TokenStoreOption
from desktop.hub.repository_access import RepositoryAccess
from desktop.hub.whoami import WhoAmI


@dataclass(frozen=True)
class TokenContent:
    """The step for an access token: for which model ("" for none in particular) and which host.

    `access` is what the Hub said last, None where nothing is known. `page` makes a token, `settings` changes one.
    `choices` are the places to store it, `stored_place` is where one for this host is stored already. `unlock`: it lies
    in the vault, and only the passphrase is asked for.
    """

    model_id: str
    model_name: str
    host: str
    page: str
    settings: str
    choices: tuple[TokenStoreOption, ...]
    access: RepositoryAccess | None = None
    stored_place: TokenPlace | None = None
    unlock: bool = False


@dataclass(frozen=True)
class TokenInput:
    """What a person entered. `repr` shows nothing of it."""

    value: str
    place: TokenPlace
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"TokenInput({self.place})"


@dataclass(frozen=True)
class SavedToken:
    """A token that was checked and stored in `place` (None: not stored yet, as it lacks a scope). `account` is None
    where it was stored unchecked."""

    account: WhoAmI | None
    place: TokenPlace | None


@dataclass(frozen=True)
class GateContent:
    """What a publisher asks before it gives a model out, and the state of the person's access.

    `prompt` and `fields` come from the publisher: plain text. `page` is the model's page on the Hub. `checked_at` is
    when the Hub was asked last and `next_check_at` when it is asked next, in seconds since 1970 (0 for never).
    """

    model_id: str
    model_name: str
    repository: str
    host: str
    page: str
    access: RepositoryAccess | None
    manual: bool = True
    prompt: str = ""
    fields: tuple[str, ...] = ()
    checked_at: float = 0.0
    next_check_at: float = 0.0
