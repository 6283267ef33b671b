"""Where a conversation no longer fits the context: what the person at the terminal wants done, asked in words."""

from desktop.cli.command_context import CommandContext
from desktop.cli.terminal_session import TerminalSession
from desktop.conversation import ContextChoice, Message
from desktop.errors import ContextFullError
from desktop.translation import tr

CHOICES: dict[str, ContextChoice | None] = {
    "ask": "ask",
    "drop-oldest": "drop-oldest",
    "summarize": "summarize",
    "stop": "stop",
    "settings": None,
}
"""What can be typed after “/context”; "settings": what they say holds."""


def choice_where_nobody_can_be_asked(
    tools: CommandContext, choice: ContextChoice, *, for_program: bool
) -> ContextChoice:
    """`choice` for an answer that nobody waits for at a terminal, or that is `for_program`, which reads it as JSON: to
    be asked then means to leave out the oldest."""
    return "drop-oldest" if choice == "ask" and (for_program or not can_be_asked(tools)) else choice


def can_be_asked(tools: CommandContext) -> bool:
    """Whether a person sits at the terminal and reads what is asked."""
    return tools.stdin.isatty() and tools.output.notes_on_terminal


def ask_again_as_chosen(tools: CommandContext, session: TerminalSession, full: ContextFullError) -> Message:
    """The answer that `full` refused, once the person chose; raises `full` where they stop or leave."""
    tools.output.note(f"{full.title} {full.detail}")
    choice = _chosen(tools)
    if choice is None:
        raise full
    return session.ask_again(choice)


def _chosen(tools: CommandContext) -> ContextChoice | None:
    """What the person chose; None where nothing is to be answered."""
    question = tr("[l]eave out the oldest messages, [s]ummarize them, or [n]either? It holds for this conversation: ")
    while True:
        try:
            tools.output.prompt(question)  # what is printed on standard output is the answer
            typed = input().strip().casefold()
        except (EOFError, KeyboardInterrupt):
            return None
        if typed in ("l", "s", "n"):
            choices: dict[str, ContextChoice | None] = {"l": "drop-oldest", "s": "summarize", "n": None}
            return choices[typed]
