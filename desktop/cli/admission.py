"""Passing the license door before a model is loaded, and offering on a terminal to accept there what is missing.

The engine asks the same door again at the load itself. Asking here as well means that a refusal comes before anything
else happens (a turn stored, a prompt typed), and that a person at a terminal can do something about it.
"""

from desktop.cli.terminal_acceptance import TerminalAcceptance, can_ask
from desktop.cli.tools import Tools
from desktop.errors import LicenseError
from desktop.library.models import LibraryModel
from desktop.translation import tr


def admit(tools: Tools, model: LibraryModel) -> None:
    """Return where `model` may be loaded now. Raises the UserError that says what is missing or forbids it."""
    tools.output.progress(tr("Checking {model}…").format(model=model.name))
    listed = tools.library.listed_one(str(model.path))
    verdict = tools.desk.verdict(listed.subject)  # which notes a text that changed
    if isinstance(verdict.error, LicenseError) and can_ask(tools):
        TerminalAcceptance(tools, listed.subject, verdict).run()
    tools.door.admit(model.path)
    tools.output.clear_progress()
