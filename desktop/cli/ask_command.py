"""`latchkey ask`: one question, one answer."""

from argparse import Namespace

import msgspec

from desktop.chat.engine_requests import generation_options, load_params
from desktop.chat.pending_answer import AnswerOverrides, timing_of
from desktop.cli.acceptance_prompt import admit_or_prompt
from desktop.cli.command_context import CommandContext
from desktop.cli.conversations_command import kept_conversation
from desktop.cli.exit_codes import DONE, INTERRUPTED, UsageError
from desktop.cli.terminal_answer import (
    AnswerWriter,
    NullAnswerWriter,
    TerminalAnswerWriter,
    chosen_model,
    credit,
    load_model,
    stream_answer,
)
from desktop.cli.terminal_input import decode_input, repair_input
from desktop.cli.terminal_session import TerminalSession
from desktop.conversation import ChatMessage, StopReason, Timing
from desktop.engine.engine_protocol import Engine
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.worker_messages import GenerateRequest, ModelInfo
from desktop.library.library_model import LibraryModel
from desktop.settings import Settings
from desktop.translation import tr


class SpeculationResult(msgspec.Struct, frozen=True):
    """How many tokens were guessed ahead, and how many of them the model would have said too."""

    drafted: int
    accepted: int


class AskResult(msgspec.Struct, frozen=True):
    """The answer as `ask --json` gives it: fields and their names are part of the command's contract."""

    text: str
    thinking: str
    model: str
    file_sha256: str
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    time_to_first_token_s: float | None
    tokens_per_s: float | None
    stop_reason: StopReason
    seed: int | None
    engine: str
    speculation: SpeculationResult


def run(options: Namespace, tools: CommandContext) -> int:
    text = question(options.text, tools)
    options.system = options.system and repair_input(options.system)
    asked = _in_conversation(options, tools, text) if options.conversation else _alone(options, tools, text)
    if options.json:
        tools.output.json(asked)
        _note_repetition(asked, tools)
        return _code(asked)
    if not asked.text.endswith("\n"):
        tools.output.line()
    _note_repetition(asked, tools)
    tools.output.dim(credit(tools.library.find(asked.model)) + "\n")
    return _code(asked)


def _code(asked: AskResult) -> int:
    return INTERRUPTED if asked.stop_reason == "cancelled" else DONE


def _note_repetition(asked: AskResult, tools: CommandContext) -> None:
    if asked.stop_reason == "repetition":
        tools.output.note(
            tr("The answer only repeated itself and was ended. Ask in other words, or with a higher --temperature.")
        )


def question(text: str, tools: CommandContext) -> str:
    """The question: `text`, or standard input where it is "-". Raises UsageError where there is none."""
    if text == "-":
        text = decode_input(tools.stdin.read())
    else:
        text = repair_input(text)
    if not text.strip():
        raise UsageError(
            tr("The question is empty."), "", tr("Write it after “ask”, or “-” to read it from standard input.")
        )
    return text


def _speaker(options: Namespace, tools: CommandContext, engine: Engine) -> AnswerWriter:
    return NullAnswerWriter() if options.json else TerminalAnswerWriter(tools.output, engine)


def _alone(options: Namespace, tools: CommandContext, text: str) -> AskResult:
    """One answer that is kept nowhere."""
    model = chosen_model(tools, options.model)
    admit_or_prompt(tools, model)
    settings = _settings(options, tools.settings)
    params = load_params(model, settings)
    if options.draft_model:
        draft = chosen_model(tools, options.draft_model)
        admit_or_prompt(tools, draft)
        params = msgspec.structs.replace(params, draft_model_path=str(draft.path))
    system = settings.system_prompt
    messages = (ChatMessage.from_text("system", system),) * bool(system) + (ChatMessage.from_text("user", text),)
    with tools.engine() as engine:
        info = load_model(engine, model, params, tools.output)
        request = GenerateRequest(engine.next_id(), messages, _generation_options(options, settings))
        sha256 = _hash(options, tools, model)
        answered = stream_answer(engine, request, _speaker(options, tools, engine), tools.output)
    return _asked(answered.text, answered.thinking, model, sha256, timing_of(answered.done), info)


def _in_conversation(options: Namespace, tools: CommandContext, text: str) -> AskResult:
    """One more turn of a stored conversation, kept there. Options hold for this turn alone."""
    if options.draft_model:
        raise UsageError(
            tr("A draft model cannot be given for a conversation."),
            "",
            tr("Ask without --conversation, or without it."),
        )
    kept = kept_conversation(tools, options.conversation)
    model = chosen_model(tools, options.model or kept.model_id)
    admit_or_prompt(tools, model)
    settings = _settings(options, tools.settings)
    with (
        tools.engine() as engine,
        TerminalSession(tools, engine, _speaker(options, tools, engine), settings) as session,
    ):
        session.open(options.conversation)
        session.use(model)
        sha256 = _hash(options, tools, model)
        message = session.ask(text, AnswerOverrides(_generation_options(options, settings), options.system))
        info = engine.model
    timing = message.timing
    if timing is None or info is None:
        raise KeyboardInterrupt  # stopped before the model began
    return _asked(message.text, message.thinking, model, sha256, timing, info)


def _asked(text: str, thinking: str, model: LibraryModel, sha256: str, timing: Timing, info: ModelInfo) -> AskResult:
    return AskResult(
        text=text,
        thinking=thinking,
        model=model.id,
        file_sha256=sha256,
        prompt_tokens=timing.prompt_tokens,
        cached_tokens=timing.cached_tokens,
        generated_tokens=timing.generated_tokens,
        time_to_first_token_s=timing.time_to_first_token_s,
        tokens_per_s=timing.tokens_per_s,
        stop_reason=timing.stop_reason,
        seed=timing.seed,
        engine=info.engine,
        speculation=SpeculationResult(timing.drafted_tokens, timing.accepted_tokens),
    )


def _settings(options: Namespace, settings: Settings) -> Settings:
    """The person's settings with the command's options in their place."""
    given = {"temperature": options.temperature, "seed": options.seed, "max_tokens": options.max_tokens}
    sampling = msgspec.structs.replace(
        settings.sampling, **{name: value for name, value in given.items() if value is not None}
    )
    system = settings.system_prompt if options.system is None else options.system
    speculation = options.speculation or settings.speculation
    return msgspec.structs.replace(settings, sampling=sampling, system_prompt=system, speculation=speculation)


def _generation_options(options: Namespace, settings: Settings) -> GenerationOptions:
    """The options of the answer: those of `settings`, and what the command alone can ask for."""
    return msgspec.structs.replace(
        generation_options(settings), raw_prompt=options.raw_prompt, ignore_eos=options.ignore_eos
    )


def _hash(options: Namespace, tools: CommandContext, model: LibraryModel) -> str:
    """The hash of what was loaded, where it is told."""
    return tools.license_check.loaded_sha256(model.path) if options.json else ""
