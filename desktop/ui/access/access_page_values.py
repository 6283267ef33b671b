"""What the pages about access show, as values: made off the main thread by the flow, drawn by the pages."""

from dataclasses import dataclass

from desktop.credentials.token_store import TokenPlace, TokenStoreOption
from desktop.hub.repository_access import RepositoryAccess
from desktop.hub.whoami import WhoAmI


@dataclass(frozen=True)
class TokenContent:
    """The step for an access token: for which model ("" for none in particular) and which host.

    `access` is what the Hub said last, None where nothing is known. `page` makes a token, `settings` changes one.
    `choices` are the places to keep it, `kept` where one for this host is kept already. `unlock`: it lies in the vault,
    and only the passphrase is asked for.
    """

    model_id: str
    model_name: str
    host: str
    page: str
    settings: str
    choices: tuple[TokenStoreOption, ...]
    access: RepositoryAccess | None = None
    kept: TokenPlace | None = None
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
    """A token was checked, and kept in `place`; None where it is not kept yet, as it lacks what is needed. `who` is
    None where it was kept unchecked."""

    who: WhoAmI | None
    place: TokenPlace | None


@dataclass(frozen=True)
class GateContent:
    """What a publisher asks before it gives a model out, and how the person stands.

    `prompt` and `fields` come from the publisher: plain text. `page` is the model's page on the Hub. `asked` is when
    the Hub was asked last and `next_check_at` when it is asked next, in seconds since 1970 (0 for never).
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
    asked: float = 0.0
    next_check_at: float = 0.0
