"""`latchkey ask`: one question, one answer."""

from argparse import Namespace

import msgspec

from desktop.chat.answer_overrides import AnswerOverrides
from desktop.chat.answer_settings import AnswerPlace, OptionsChange, answer_settings
from desktop.chat.answer_timing import timing_of
from desktop.chat.engine_requests import chat_messages, load_params, with_stops
from desktop.chat.preset_file import Preset, PresetFile
from desktop.cli.acceptance_prompt import admit_or_prompt
from desktop.cli.adapter_choice import AdapterChoice, chosen_adapters, with_adapters
from desktop.cli.ask_result import AskAdapter, AskResult, ask_result, logprob_json, with_citations
from desktop.cli.asked_documents import (
    GivenDocuments,
    asked_images,
    asked_message,
    given_documents,
    print_sources,
)
from desktop.cli.asked_tools import asked_calls, asked_servers, refuse_with_tools
from desktop.cli.command_context import CommandContext
from desktop.cli.context_prompt import ask_again_as_chosen, choice_where_nobody_can_be_asked
from desktop.cli.conversations_command import kept_conversation
from desktop.cli.exit_codes import DONE, INTERRUPTED, UsageError
from desktop.cli.given_file import read_given_file
from desktop.cli.named_entries import note_problem
from desktop.cli.sampling_arguments import with_command_line
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
from desktop.conversation import Conversation, Message, PassagePart, TextPart
from desktop.engine.engine_protocol import Engine
from desktop.engine.generation_options import (
    CacheLevel,
    GenerationOptions,
    GrammarFormat,
    JsonSchemaFormat,
    ThinkingOptions,
)
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError
from desktop.library.library_model import LibraryModel
from desktop.settings import ModelSettings, Settings
from desktop.translation import tr

_NEW = "new"


class _Asked(msgspec.Struct, frozen=True):
    """What is asked for: the settings in force, what the command changes of the options that count otherwise, the model
    and system prompt that were named, None where none was."""

    settings: Settings
    change: OptionsChange
    model: str | None
    system_prompt: str | None

    @property
    def options(self) -> GenerationOptions:
        """Those that the command alone asks for."""
        return self.change(GenerationOptions())


def run(options: Namespace, tools: CommandContext) -> int:
    _refuse_contradictions(options)
    text = question(options.text, tools)
    options.system = options.system and repair_input(options.system)
    what = _what_is_asked(options, tools)
    given = given_documents(options, tools)
    offered = asked_servers(options.tools, tools)
    ask = _in_conversation if options.conversation or offered else _alone
    asked = ask(options, tools, text, what, given)
    if options.json:
        tools.output.json(asked)
        _note_ending(asked, what, tools)
        return _code(asked)
    if not asked.text.endswith("\n"):
        tools.output.line()
    print_sources(asked.citations or (), asked.wrong_citations or (), tools.output)
    _note_ending(asked, what, tools)
    if options.conversation == _NEW:
        tools.output.note(tr("It is kept as the conversation {id}.").format(id=asked.conversation))
    tools.output.dim(credit(tools.library.find(asked.model)) + "\n")
    return _code(asked)


def _code(asked: AskResult) -> int:
    return INTERRUPTED if asked.stop_reason == "cancelled" else DONE


def _refuse_contradictions(options: Namespace) -> None:
    """Raise UsageError where two options cannot be had together."""
    if (options.json_schema, options.grammar, options.text, *options.file, *options.image).count("-") > 1:
        raise UsageError(
            tr("Standard input cannot be the question and a file as well."), "", tr("Give one of them by name.")
        )
    if options.raw_prompt and (options.file or options.image or options.collection):
        raise UsageError(
            tr("A raw prompt holds all that the model is given."), "", tr("Leave out --raw-prompt, or the documents.")
        )
    refuse_with_tools(options)
    if options.logprobs and (options.conversation or not options.json):
        raise UsageError(
            tr("--logprobs is for an answer that is given as JSON and kept in no conversation."),
            "",
            tr("Add --json, and leave out --conversation."),
        )


def _note_ending(asked: AskResult, what: _Asked, tools: CommandContext) -> None:
    """Say where an answer ended otherwise than it should."""
    if what.options.response_format is not None and asked.stop_reason != "end":
        tools.output.note(
            tr("The answer was cut, and is not whole in the form that was asked for. Allow it more tokens.")
        )
    elif asked.stop_reason == "repetition":
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


def _alone(options: Namespace, tools: CommandContext, text: str, what: _Asked, given: GivenDocuments) -> AskResult:
    """One answer that is kept nowhere."""
    model = chosen_model(tools, what.model)
    admit_or_prompt(tools, model)
    adapters, settings = _adapters(options, tools, model, what.settings)
    params = load_params(model, settings)
    if options.draft_model:
        draft = chosen_model(tools, options.draft_model)
        admit_or_prompt(tools, draft)
        params = msgspec.structs.replace(params, draft_model_path=str(draft.path))
    counts = answer_settings(settings, model.id, _model_presets(tools, model.id))
    system = counts.system_prompt if what.system_prompt is None else what.system_prompt
    question = Message("question", "", None, "user", (TextPart(text),))
    passages: tuple[PassagePart, ...] = ()
    images = asked_images(given, tools, params)
    with tools.engine_for(params) as engine:
        info = load_model(engine, model, params, tools.output)
        asked_with = with_stops(what.change(counts.options_for(info)), counts.own_stops)
        if given:
            most = asked_with.max_tokens
            question, passages = asked_message(text, given, tools, system, info.context_length, most)
        messages = chat_messages(system, (question,), None, passages)
        request = GenerateRequest(engine.next_id(), messages, asked_with, images=images)
        sha256 = _hash(options, tools, model)
        answered = stream_answer(engine, request, _speaker(options, tools, engine), tools.output)
        adapted = _adapter_hashes(options, tools, adapters)
    asked = ask_result(answered.text, answered.thinking, model, sha256, timing_of(answered.done), info)
    asked = msgspec.structs.replace(asked, adapters=adapted)
    asked = with_citations(asked, (question, Message("answer", "", None, "assistant", passages)))
    if not what.options.logprobs:
        return asked
    return msgspec.structs.replace(asked, logprobs=[logprob_json(each) for each in answered.logprobs])


def _in_conversation(
    options: Namespace, tools: CommandContext, text: str, what: _Asked, given: GivenDocuments
) -> AskResult:
    """One more turn of a stored conversation, kept there; or the first of one that is kept nowhere, where none is
    named. Options hold for this turn alone."""
    if options.draft_model:
        raise UsageError(
            tr("A draft model cannot be given for a conversation."),
            "",
            tr("Ask without --conversation, or without it."),
        )
    named = options.conversation and options.conversation != _NEW
    kept = kept_conversation(tools, options.conversation) if named else Conversation("")
    model = chosen_model(tools, what.model or kept.model_id)
    admit_or_prompt(tools, model)
    adapters, settings = _adapters(options, tools, model, what.settings)
    settings = msgspec.structs.replace(settings, parallel_answers=1)
    with (
        tools.engine_pool() as engine,
        TerminalSession(
            tools,
            engine,
            _speaker(options, tools, engine),
            settings,
            ask_about_tools=not options.json,
            temporary=not options.conversation,
        ) as session,
    ):
        if kept.id:
            session.open(kept.id)
        else:
            session.new()
        session.use(model)
        sha256, adapted = _hash(options, tools, model), _adapter_hashes(options, tools, adapters)
        full = choice_where_nobody_can_be_asked(
            tools, kept.context_full or what.settings.context_full, for_program=options.json
        )
        overrides = AnswerOverrides(None, what.system_prompt, full, what.change, collections=given.collections or None)
        overrides = msgspec.structs.replace(overrides, tools=asked_servers(options.tools, tools))
        session.attach(given.taken(0))
        try:
            message = session.ask(text, overrides)
        except ContextFullError as error:
            if full == "stop":
                raise
            message = ask_again_as_chosen(tools, session, error)
        info, kept_in = engine.model, session.conversation_id
        path = session.branch(message)
    timing = message.timing
    if timing is None or info is None:
        raise KeyboardInterrupt  # stopped before the model began
    asked = ask_result(message.text, message.thinking, model, sha256, timing, info)
    asked = msgspec.structs.replace(
        asked,
        conversation=kept_in if options.conversation else None,
        tool_calls=asked_calls(message),
        adapters=adapted,
    )
    return with_citations(asked, (*path, message))


def _adapters(
    options: Namespace, tools: CommandContext, model: LibraryModel, settings: Settings
) -> tuple[tuple[AdapterChoice, ...], Settings]:
    """The adapters that were named, each admitted by the license check, and the settings to load the model with."""
    chosen = chosen_adapters(tools, options.lora)
    for each in chosen:
        admit_or_prompt(tools, each.adapter)
    return chosen, with_adapters(settings, model.id, chosen) if options.lora else settings


def _adapter_hashes(
    options: Namespace, tools: CommandContext, chosen: tuple[AdapterChoice, ...]
) -> list[AskAdapter] | None:
    """What is told of the adapters that were loaded, where it is told."""
    found = [AskAdapter(each.adapter.id, _hash(options, tools, each.adapter), each.scale) for each in chosen]
    return found or None


def _what_is_asked(options: Namespace, tools: CommandContext) -> _Asked:
    """What the preset and the command line say, the latter in place of the former."""
    preset, form = _preset(options, tools), _response_format(options, tools)
    cache: CacheLevel = "off" if options.no_cache else "disk" if options.conversation else "memory"

    def change(counts: GenerationOptions) -> GenerationOptions:
        base = preset.applied(counts)
        return msgspec.structs.replace(
            with_command_line(base, options),
            raw_prompt=options.raw_prompt,
            ignore_eos=options.ignore_eos,
            response_format=form,
            speculation=options.speculation or base.speculation,
            thinking=base.thinking if options.thinking is None else _thinking(options.thinking),
            cache=cache,
        )

    system = preset.system_prompt if options.system is None else options.system
    return _Asked(tools.settings, change, options.model or preset.model, system)


def _model_presets(tools: CommandContext, model_id: str) -> AnswerPlace:
    """The place of an answer that is kept in no conversation: with the preset that its model's settings name."""
    own = tools.settings.model_settings.get(model_id, ModelSettings())
    found = PresetFile(tools.paths.presets_file).followed(own.preset) if own.preset else None
    return AnswerPlace(presets={} if found is None or own.preset is None else {own.preset: found})


def _preset(options: Namespace, tools: CommandContext) -> Preset:
    if options.preset is None:
        return Preset()
    file = PresetFile(tools.paths.presets_file)
    try:
        return file.find(repair_input(options.preset))
    finally:
        note_problem(file, tools)


def _response_format(options: Namespace, tools: CommandContext) -> JsonSchemaFormat | GrammarFormat | None:
    if options.json_schema is not None:
        return JsonSchemaFormat(read_given_file(options.json_schema, tools))
    return None if options.grammar is None else GrammarFormat(read_given_file(options.grammar, tools))


def _thinking(asked: str | int | None) -> ThinkingOptions:
    """What `--thinking` says; a budget of no tokens is the same as off."""
    match asked:
        case None:
            return ThinkingOptions()
        case "off" | 0:
            return ThinkingOptions(enabled=False)
        case "on":
            return ThinkingOptions(enabled=True)
        case int():
            return ThinkingOptions(budget=asked)
        case _:
            return msgspec.convert({"effort": asked}, ThinkingOptions)


def _hash(options: Namespace, tools: CommandContext, model: LibraryModel) -> str:
    """The hash of what was loaded, where it is told."""
    return tools.license_check.loaded_sha256(model.path) if options.json else ""
