"""How the window names access: the state in a word or two, a token's role, and times that pass."""

from desktop.credentials.token_store import TokenPlace
from desktop.hub.repository_access import AccessState
from desktop.hub.whoami import WhoAmI
from desktop.translation import tr, trn
from desktop.ui.parts.label import Tone

TOKEN_STATES = frozenset({"no-token", "bad-token", "token-lacks-scope"})
"""States that another access token may settle."""


def state_badge(state: AccessState) -> tuple[str, Tone]:
    """A state as a badge."""
    badges: dict[AccessState, tuple[str, Tone]] = {
        "granted": (tr("Access granted"), "good"),
        "no-token": (tr("No access token"), "chosen"),
        "not-requested": (tr("Not requested"), "chosen"),
        "reset": (tr("Request was reset"), "warn"),
        "pending": (tr("Waiting for its publisher"), "warn"),
        "rejected": (tr("Request rejected"), "bad"),
        "token-lacks-scope": (tr("Token may not read it"), "bad"),
        "bad-token": (tr("Token not accepted"), "bad"),
        "disabled": (tr("Disabled on the Hub"), "bad"),
        "missing-or-private": (tr("Not found"), "bad"),
        "missing": (tr("Not found"), "bad"),
        "unknown": (tr("Refused"), "bad"),
    }
    return badges[state]


def place_name(place: TokenPlace) -> str:
    """Where a token is kept, as a choice."""
    return {
        "keyring": tr("Keyring of this system"),
        "vault": tr("Vault with a passphrase"),
        "session": tr("This session only"),
    }[place]


def stored_sentence(place: TokenPlace) -> str:
    """Where a token is kept, said once it is."""
    return {
        "keyring": tr("It is kept in the keyring of this system."),
        "vault": tr("It is kept in the vault that your passphrase opens."),
        "session": tr("It is kept until Latchkey is closed."),
    }[place]


def role_name(role: str) -> str:
    """A token's role as the Hub's own page calls it."""
    return {"read": tr("read"), "write": tr("write"), "fineGrained": tr("fine-grained")}.get(
        role, role or tr("unknown")
    )


def account_sentence(who: WhoAmI) -> str:
    """Whose a token is, and its role."""
    return tr("This is a token of {name}; its role is “{role}”.").format(name=who.name, role=role_name(who.role))


def gated_read_sentence(who: WhoAmI) -> str:
    """Whether it may read gated repositories."""
    if not who.scope_known:
        return tr("Whether it may read a gated repository depends on the repository, or the Hub does not say.")
    return tr("It may read gated repositories.") if who.may_read_gated else tr("It may not read gated repositories.")


def duration_text(seconds: float) -> str:
    """A stretch of time in one unit: "40 seconds", "3 minutes", "2 hours", "5 days"."""
    whole = max(0, round(seconds))
    if whole < 50:
        return trn("{count} second", "{count} seconds", max(whole, 1)).format(count=max(whole, 1))
    for size, one, many in (
        (60, "{count} minute", "{count} minutes"),
        (3600, "{count} hour", "{count} hours"),
        (86400, "{count} day", "{count} days"),
    ):
        count = round(whole / size)
        if size == 86400 or count < (60 if size == 60 else 24):
            return trn(one, many, max(count, 1)).format(count=max(count, 1))
    return ""


def polling_sentence(now: float, asked: float, following: float) -> str:
    """When the Hub was asked, and when it is asked again by itself; "" where neither is so. Times since 1970."""
    parts = []
    if asked:
        parts.append(tr("Last asked {time} ago.").format(time=duration_text(now - asked)))
    if following:
        soon = following - now < 5
        parts.append(
            tr("Asked again in a moment.")
            if soon
            else tr("Asked again in {time}, while this window is open.").format(time=duration_text(following - now))
        )
    return " ".join(parts)
