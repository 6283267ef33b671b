"""The access token of an endpoint's host: read from standard input or typed unseen, and kept where other tokens are. It
is not checked by sending it anywhere."""

from desktop.cli.command_context import CommandContext
from desktop.cli.terminal_input import read_hidden, read_piped
from desktop.cli.vault_prompt import open_or_make_vault
from desktop.credentials.token_store import TokenPlace
from desktop.errors import AccessError, UserError
from desktop.network.access_token import AccessToken, origin_of
from desktop.translation import tr


def keep_token(address: str, tools: CommandContext, place: TokenPlace | None = None) -> bool:
    """Keep a token for the host of the endpoint at `address`, in `place` or the best one; whether there was none.

    Raises AccessError where what is given is no token, or nothing is there to keep it.
    """
    tokens, passphrase = tools.online.tokens, None
    origin = origin_of(address)
    host = origin.partition("://")[2]
    if tools.stdin.isatty():
        given = read_hidden(tr("Access token for {host} (it is not shown): ").format(host=host))
    else:
        piped = read_piped(tools)
        given, passphrase = piped.first, piped.second
        if piped.more or (passphrase and place != "vault"):
            raise AccessError(
                tr("This is not an access token."),
                tr("Standard input holds more than one line."),
                tr("Pipe in the token alone; with --place vault, the passphrase in a second line."),
            )
    token = AccessToken(given, origin)
    chosen = place or tokens.best_place()
    if chosen is None:
        raise AccessError(
            tr("This system has no keyring that is open, so it has to be said where the token is kept."),
            "",
            tr("Add --place vault, with a passphrase in the second line of standard input."),
        )
    if chosen == "vault":
        open_or_make_vault(tools, passphrase)
    new = host not in tokens.hosts()
    tokens.store(token, chosen)
    return new


def forget_token(address: str, tools: CommandContext) -> None:
    """Forget the token for the host of the endpoint at `address` again, as far as that can be done."""
    try:
        tools.online.tokens.forget(origin_of(address).partition("://")[2])
    except UserError as error:
        tools.output.note(str(error))


def endpoint_address_of(host: str | None, tools: CommandContext) -> str:
    """The address of an endpoint at `host`, "" where none is there."""
    wanted = (host or "").casefold().partition("://")[2] or (host or "").casefold()
    found = (each.address for each in tools.assembly.endpoints.endpoints() if wanted in (each.host, each.address))
    return next(found, "")
