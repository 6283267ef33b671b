"""Asks for the vault's passphrase, and uses an access token that is given for one command.

What needs a token finds out while it asks the Hub. So the passphrase is asked for when the vault turns out to be in the
way, and not before: what is open to everybody needs none.
"""

import os
from argparse import Namespace
from collections.abc import Callable
from typing import TypeVar

from desktop.cli.command_context import CommandContext
from desktop.cli.terminal_input import read_hidden, read_piped
from desktop.credentials.token_store import TokenStoreLockedError
from desktop.credentials.vault import WrongPassphraseError
from desktop.errors import AccessError
from desktop.translation import tr

_T = TypeVar("_T")
_TRIES = 3
_FOREIGN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def with_token(options: Namespace, tools: CommandContext, call: Callable[[], _T]) -> _T:
    """What `call` gives, with the vault opened where it needs a token that lies there.

    Raises TokenStoreLockedError where nobody is there to open it.
    """
    use_given_token(options, tools)
    try:
        return call()
    except TokenStoreLockedError as error:
        if error.place != "vault" or not tools.stdin.isatty():
            raise _closed_error(error) from error
    open_vault(tools)
    return call()


def use_given_token(options: Namespace, tools: CommandContext) -> None:
    """Use what standard input holds, where an option says that it holds something: once."""
    if getattr(options, "passphrase_stdin", False):
        options.passphrase_stdin = False
        vault = tools.online.tokens.vault
        if vault.status() == "locked":
            vault.unlock(_given(tools, tr("Passphrase of the vault: ")))
    if getattr(options, "token_stdin", False):
        from desktop.network.access_token import AccessToken

        options.token_stdin = False
        given = _given(tools, tr("Access token: "))
        tools.online.tokens.store(AccessToken(given, tools.online.endpoint), "session")


def open_vault(tools: CommandContext) -> None:
    """Have the person open the vault. Raises AccessError where they cannot."""
    tools.output.clear_progress()
    for left in reversed(range(_TRIES)):
        typed = read_hidden(tr("Passphrase of the vault: "))
        if not typed:
            break
        try:
            tools.online.tokens.vault.unlock(typed)
            return
        except WrongPassphraseError as error:
            if not left:
                raise
            tools.output.note(error.title)
    raise AccessError(tr("The vault stays closed: no passphrase was entered."))


def make_vault(tools: CommandContext) -> None:
    """Have the person choose a passphrase, twice, and make the vault. Raises AccessError where none comes about."""
    tools.output.note(tr("Choose a passphrase for the vault. Nothing opens it without, so write it down somewhere."))
    for _ in range(_TRIES):
        first = read_hidden(tr("Passphrase: "))
        if not first:
            break
        if read_hidden(tr("The same again: ")) == first:
            tools.online.tokens.vault.create(first)
            return
        tools.output.note(tr("These are two different ones."))
    raise AccessError(tr("No vault was made."), "", tr("Begin again with “latchkey token set”."))


def open_or_make_vault(tools: CommandContext, passphrase: str | None) -> None:
    """Have the vault open, with `passphrase` or, where it is None, with what the person types. Raises AccessError."""
    vault = tools.online.tokens.vault
    status = vault.status()
    if status == "ready":
        return
    if passphrase is None:
        make_vault(tools) if status == "absent" else open_vault(tools)
    elif not passphrase:
        raise AccessError(
            tr("The passphrase of the vault is missing."),
            "",
            tr("Write it in the second line of standard input, after the token."),
        )
    elif status == "absent":
        vault.create(passphrase)
    else:
        vault.unlock(passphrase)


def note_foreign_token(tools: CommandContext) -> None:
    """Say that a token in the environment is not taken, where there is one and none was given to Latchkey."""
    name = next((each for each in _FOREIGN if os.environ.get(each)), "")
    if name and tools.online.host not in tools.online.tokens.hosts():
        tools.output.note(
            tr(
                "{name} is set, and Latchkey does not take it: it uses only a token that you gave to it. To give it"
                " this one: printenv {name} | latchkey token set"
            ).format(name=name)
        )


def _given(tools: CommandContext, question: str) -> str:
    """The first line of standard input; typed unseen where that is a terminal after all."""
    tools.output.clear_progress()
    return read_hidden(question) if tools.stdin.isatty() else read_piped(tools).first


def _closed_error(error: TokenStoreLockedError) -> TokenStoreLockedError:
    """The same, with what a script can do."""
    if error.place != "vault":
        return error
    remedy = tr("Run this at a terminal, or pipe the passphrase in with --passphrase-stdin.")
    return TokenStoreLockedError("vault", error.title, error.detail, remedy, technical=error.technical)
