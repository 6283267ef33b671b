"""Whose an access token is, and what it may do, from the Hub's whoami-v2 endpoint."""

from dataclasses import dataclass
from typing import Any

from desktop.hub.hub_response import as_line, as_list, as_object, unexpected_response

_ROLES = ("read", "write", "fineGrained")


@dataclass(frozen=True)
class WhoAmI:
    """A token's owner and role ("read", "write", "fineGrained", or what else the Hub calls it; "" where it does not
    say). `may_read_gated` is whether it may read gated repositories that its owner has access to; where `scope_known`
    is False that depends on the repository, or the Hub did not say."""

    name: str
    role: str
    may_read_gated: bool
    scope_known: bool
    token_name: str = ""


def parse_whoami(answer: Any, host: str) -> WhoAmI:
    """Reads the answer of whoami-v2. Raises NetworkError where it names nobody."""
    top = as_object(answer)
    name = as_line(top.get("name"))
    if not name:
        raise unexpected_response(host)
    token = as_object(as_object(top.get("auth")).get("accessToken"))
    role, token_name = as_line(token.get("role"), 40), as_line(token.get("displayName"))
    if role != "fineGrained":
        return WhoAmI(name, role, role in _ROLES, role in _ROLES, token_name)
    scopes = as_object(token.get("fineGrained"))
    if scopes.get("canReadGatedRepos") is True:
        return WhoAmI(name, role, True, True, token_name)
    # Single repositories may be opened to it, gated ones among them.
    return WhoAmI(name, role, False, not as_list(scopes.get("scoped"), 1), token_name)
