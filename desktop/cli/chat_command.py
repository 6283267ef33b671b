"""Chatting where there is no window: at a prompt on a terminal, or one answer to what is piped in."""

import msgspec

from desktop.cli import ask_command
from desktop.cli.acceptance_prompt import admit_or_prompt
from desktop.cli.command_context import CommandContext
from desktop.cli.context_prompt import CHOICES, ask_again_as_chosen
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.output import CommandOutput
from desktop.cli.terminal_answer import TerminalAnswerWriter, chosen_model, credit
from desktop.cli.terminal_input import decode_input, repair_input
from desktop.cli.terminal_session import TerminalSession
from desktop.conversation import Message
from desktop.errors import ContextFullError, IntegrityError, ResourceError, UserError
from desktop.translation import tr

_PROMPT = "> "


def run(tools: CommandContext) -> int:
    """Chat until the person leaves, and keep the conversation; from a pipe, answer the piped text and keep nothing."""
    return _chat(tools) if tools.stdin.isatty() else _answer_pipe(tools)


def _answer_pipe(tools: CommandContext) -> int:
    from desktop.cli.arguments import parser

    options = parser().parse_args(["ask", "-"])
    options.text = decode_input(tools.stdin.read())
    if not options.text.strip():  # nothing was piped: it was to be the window
        raise UsageError(
            tr("There is no display for a window, and no question on standard input."),
            "",
            tr("Start Latchkey in a graphical session, or ask with “latchkey ask”."),
        )
    return ask_command.run(options, tools)


def _chat(tools: CommandContext) -> int:
    _edit_lines()
    output = tools.output
    model = chosen_model(tools, None)
    admit_or_prompt(tools, model)
    tools.conversation_store.conversations(limit=1)  # where nothing can be kept, that is said before anything is typed
    output.line(tr("{model}. Ctrl+C stops an answer, Ctrl+D leaves, /help says more.").format(model=model.name))
    settings = msgspec.structs.replace(tools.settings, parallel_answers=1)  # there is one conversation
    with (
        tools.engine_pool() as engine,
        TerminalSession(tools, engine, TerminalAnswerWriter(tools.output, engine), settings) as session,
    ):
        session.new()
        session.use(model)
        while (text := _read_line(output)) is not None:
            match text.strip():
                case "":
                    continue
                case "/quit" | "/exit":
                    break
                case "/new":
                    session.new()
                    output.line(tr("A new conversation."))
                case "/help":
                    output.line(_help())
                case said if said.split()[0] == "/context":
                    _choose(session, said.split()[1:], output)
                case _:
                    _turn(tools, session, text, credit(model))
    return DONE


def _choose(session: TerminalSession, words: list[str], output: CommandOutput) -> None:
    if len(words) == 1 and words[0] in CHOICES:
        chosen = session.choose(CHOICES[words[0]])
        output.line(tr("It holds for this conversation.") if chosen else tr("Ask something first."))
    else:
        output.note(tr("Write one of these after it: {choices}.").format(choices=", ".join(CHOICES)))


def _turn(tools: CommandContext, session: TerminalSession, text: str, credit_line: str) -> None:
    """One question and its answer, followed by `credit_line`. Errors are printed, and the chat goes on."""
    output = tools.output
    try:
        try:
            message = session.ask(text)
        except ContextFullError as full:
            message = ask_again_as_chosen(tools, session, full)
    except (IntegrityError, ResourceError):
        raise
    except UserError as error:
        output.note(str(error))
        return
    output.line()
    output.dim(", ".join(part for part in (_summary(message), credit_line) if part) + "\n")


def _summary(message: Message) -> str:
    timing = message.timing
    if timing is None:
        return ""
    parts = [tr("{count} tokens").format(count=timing.generated_tokens)]
    if timing.tokens_per_s:
        parts.append(tr("{speed} tokens/s").format(speed=f"{timing.tokens_per_s:.0f}"))
    if timing.stop_reason == "cancelled":
        parts.append(tr("stopped"))
    elif timing.stop_reason == "context-full":
        parts.append(tr("cut off, as the context is full: “/context summarize” or “/context drop-oldest”, then go on"))
    elif timing.stop_reason == "repetition":
        parts.append(tr("ended, as it only repeated itself: ask in other words"))
    return ", ".join(parts)


def _read_line(output: CommandOutput) -> str | None:
    """What the person typed; None where they left. Ctrl+C begins the line again."""
    while True:
        try:
            return repair_input(input(_PROMPT))
        except EOFError:
            output.line()
            return None
        except KeyboardInterrupt:
            output.line()


def _edit_lines() -> None:
    """Cursor keys and history at the prompt, where the system has them."""
    try:
        import readline
    except ImportError:  # Windows edits lines by itself
        return
    readline.parse_and_bind("set enable-bracketed-paste on")


def _help() -> str:
    return "\n".join(
        (
            tr("/new   begin a new conversation"),
            tr("/context CHOICE  when the context is full: ask, drop-oldest, summarize, stop, or as in the settings"),
            tr("/quit  leave (so does Ctrl+D)"),
            tr("Ctrl+C stops an answer. Conversations are kept: “latchkey conversations list” shows them."),
        )
    )
