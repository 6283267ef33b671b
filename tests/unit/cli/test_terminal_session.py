"""Asking from the command with a scripted engine: what faults look like, and what is asked of the engine."""

import io
import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from desktop.chat.preset_file import Preset, PresetFile
from desktop.cli import ask_command, context_prompt, conversations_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import exit_code
from desktop.cli.output import CommandOutput
from desktop.cli.terminal_answer import NullAnswerWriter, TerminalAnswerWriter
from desktop.cli.terminal_session import TerminalSession
from desktop.conversation import ChatOptions, Conversation, Message, SummaryPart, Timing, ToolCallPart
from desktop.engine.engine_protocol import Engine
from desktop.engine.generation_options import SamplingParams
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError, EngineError, LicenseError, NotFoundError, ResourceError
from desktop.paths import find_paths
from desktop.settings import ModelSettings, SamplingSettings, SettingsFile
from desktop.storage.folder_store import FolderStore
from tests.accepting import import_and_accept
from tests.fakes.fake_engine import FakeAnswer, FakeEngine, Script
from tests.fakes.tiny_gguf import random_model


class ScriptedTools(CommandContext):
    """The command's parts with a scripted engine in place of the real one."""

    def __init__(
        self, *answers: FakeAnswer, load_error: EngineError | None = None, script: Script | None = None
    ) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO())
        self.scripted = FakeEngine(script or answers or (FakeAnswer(),), load_errors=[load_error] if load_error else [])

    def close(self) -> None:
        self.scripted.close()
        super().close()

    def engine_for(self, params: object) -> Any:
        tools = self

        class Engine:
            def __enter__(self) -> FakeEngine:
                return tools.scripted

            def __exit__(self, *_: object) -> None:
                tools.scripted.close()

        return Engine()

    def engine_pool(self) -> Any:
        return self.engine_for(None)


MakeTools = Callable[..., ScriptedTools]


@pytest.fixture
def scripted(home: Path) -> Iterator[MakeTools]:
    """Makes tools, and closes them at the end of the test."""
    with ExitStack() as stack:

        def make(*answers: FakeAnswer, **more: Any) -> ScriptedTools:
            return stack.enter_context(closing(ScriptedTools(*answers, **more)))

        yield make


@pytest.fixture
def model(home: Path) -> str:
    """The path of a model whose license is accepted."""
    path = random_model(home / "some.gguf")
    import_and_accept(home, path)
    return str(path)


def options(*arguments: str) -> Namespace:
    return parser().parse_args(["ask", *arguments])


def begin(scripted: MakeTools, conversation_id: str = "c1", system_prompt: str = "") -> str:
    """A stored, empty conversation."""
    scripted().conversation_store.create(Conversation(conversation_id, system_prompt=system_prompt))
    return conversation_id


def test_an_answer_is_streamed_and_ends_with_one_line_break(model: str, scripted: MakeTools) -> None:
    tools = scripted(FakeAnswer("Hello there.", thinking="hm"))
    assert ask_command.run(options("hi", "--model", model), tools) == 0
    assert tools.out.getvalue() == "Hello there.\n"
    assert tools.err.getvalue() == ""


def test_text_around_calls_of_tools_is_not_taken_for_thinking() -> None:
    """Seeing a call takes blank space away before it, and what follows its result is a paragraph of its own."""
    out, err = io.StringIO(), io.StringIO()
    engine = SimpleNamespace(model=None)
    speaker = TerminalAnswerWriter(CommandOutput(out, err), cast(Engine, engine))
    speaker.write("I look.\n", False)
    speaker.replace("I look.", "")
    speaker.write("It is 9.\n", False)
    speaker.replace("I look.\n\nIt is 9.", "")
    speaker.replace("I look.\n\nIt is 9. Or 10.", "")
    assert (out.getvalue(), err.getvalue()) == ("I look.\nIt is 9.\n Or 10.", "")
    speaker.replace("I look.", "It is 9.")
    assert "The last of what stands above was thinking." in err.getvalue()


def test_json_keeps_thinking_and_answer_apart(model: str, scripted: MakeTools) -> None:
    tools = scripted(FakeAnswer("Hello.", thinking="They greet."))
    ask_command.run(options("hi", "--model", model, "--json"), tools)
    told = json.loads(tools.out.getvalue())
    assert (told["text"], told["thinking"]) == ("Hello.", "They greet.")


def test_thinking_that_was_not_opened_is_told_from_the_answer(model: str, scripted: MakeTools) -> None:
    tools = scripted(FakeAnswer("Hello.", unopened="They greet."))
    ask_command.run(options("hi", "--model", model, "--json"), tools)
    told = json.loads(tools.out.getvalue())
    assert (told["text"], told["thinking"]) == ("Hello.", "They greet.")
    tools = scripted(FakeAnswer("Hello.", unopened="They greet."))
    ask_command.run(options("hi", "--model", model), tools)
    assert tools.out.getvalue() == "They greet.\n\nHello.\n"
    assert "What stands above was thinking" in tools.err.getvalue()


class Loaded:
    """An engine with a model of which one knows whether it marks its thinking."""

    def __init__(self, *, thinks: bool) -> None:
        self.model = SimpleNamespace(thinks=thinks)


def spoken(engine: Loaded, *pieces: tuple[str, bool] | tuple[str, str]) -> tuple[str, str]:
    """What stands in a pipe before the answer's end, and at last; a piece of two texts tells all anew."""
    out = io.StringIO()
    speaker = TerminalAnswerWriter(CommandOutput(out, io.StringIO()), cast(Engine, engine))
    for text, more in pieces:
        if isinstance(more, str):
            speaker.replace(text, more)
        else:
            speaker.write(text, more)
    before = out.getvalue()
    speaker.finish()
    return before, out.getvalue()


def test_down_a_pipe_goes_no_text_that_may_turn_out_to_be_thinking() -> None:
    thinks, plain = Loaded(thinks=True), Loaded(thinks=False)
    assert spoken(thinks, ("They greet.", False), ("", "They greet."), ("Hello.", False)) == ("Hello.", "Hello.")
    assert spoken(thinks, ("Hel", False), ("lo.", False)) == ("", "Hello.")
    assert spoken(thinks, ("They greet.", True), ("Hello.", False)) == ("Hello.", "Hello.")
    assert spoken(plain, ("Hel", False)) == ("Hel", "Hel")


def test_whoever_waits_at_a_pipe_waits_for_a_sentence_or_two_at_most() -> None:
    """Longer thinking that nothing opened has gone out by then, and is told to have been that."""
    said = [("word " * 10, False)] * 10
    before, whole = spoken(Loaded(thinks=True), *said)
    assert len(before) >= 250
    assert whole == "word " * 100
    assert "Hello." in spoken(Loaded(thinks=True), *said, ("", "word " * 100), ("Hello.", False))[1]


def test_what_an_answer_was_told_to_be_is_not_said_twice() -> None:
    """Where only the last of it turned out to be thinking, or where thinking turned out to be the answer."""
    plain = Loaded(thinks=False)
    late: list[tuple[str, bool] | tuple[str, str]] = [
        ("a", True),
        ("One.", False),
        ("b", False),
        ("One.", "a\n\nb"),
        ("\n\nTwo.", False),
    ]
    assert spoken(plain, *late)[1] == "One.b\n\n\n\nTwo."
    assert spoken(plain, ("Here", True), ("Here it is.", ""))[1] == "Here it is."
    assert spoken(plain, ("a", True), ("One.", False), ("One. Two.", ""))[1] == "One. Two."
    assert spoken(Loaded(thinks=True), ("One. b", False), ("One.", "b"), (" Two.", False))[1] == "One. Two."


def test_what_an_answer_cut_off_by_a_fault_said_so_far_is_seen_and_the_fault_is_told(
    model: str, scripted: MakeTools
) -> None:
    fault = EngineError("The engine could not go on.")
    tools = scripted(FakeAnswer("one two three", error=fault, fails_after=2))
    with pytest.raises(EngineError, match="could not go on"):
        ask_command.run(options("hi", "--model", model), tools)
    assert tools.out.getvalue() == "one two"


def test_a_model_that_does_not_load_is_told(model: str, scripted: MakeTools) -> None:
    tools = scripted(load_error=EngineError("The file is odd."))
    with pytest.raises(EngineError, match="odd"):
        ask_command.run(options("hi", "--model", model), tools)


def test_options_win_over_settings_and_settings_over_nothing(model: str, scripted: MakeTools) -> None:
    SettingsFile(find_paths().settings_file).change(
        system_prompt="Be brief.", context_length=1024, sampling=SamplingSettings(temperature=0.3, top_k=5, seed=1)
    )
    tools = scripted()
    ask_command.run(options("hi", "--model", model, "--temperature", "0.9", "--max-tokens", "4"), tools)
    (request,) = tools.scripted.requests
    assert tools.scripted.loads[0].context_length == 1024
    assert [(turn.role, turn.text) for turn in request.messages] == [("system", "Be brief."), ("user", "hi")]
    assert (request.options.sampling.temperature, request.options.sampling.top_k, request.options.sampling.seed) == (
        0.9,
        5,
        1,
    )
    assert request.options.max_tokens == 4
    assert not request.options.raw_prompt
    assert not request.options.ignore_eos


def test_a_prompt_can_go_to_the_model_as_it_is_and_beyond_the_models_end(model: str, scripted: MakeTools) -> None:
    tools = scripted()
    ask_command.run(options("hi", "--model", model, "--raw-prompt", "--ignore-eos"), tools)
    (request,) = tools.scripted.requests
    assert request.options.raw_prompt
    assert request.options.ignore_eos


@pytest.mark.parametrize("kept", [[], ["--conversation", "c1"]], ids=["alone", "in a conversation"])
def test_an_answer_that_only_repeated_itself_is_told_on_standard_error(
    model: str, kept: list[str], scripted: MakeTools
) -> None:
    begin(scripted)
    answer = FakeAnswer("on and on", stop_reason="repetition")
    tools = scripted(answer)
    assert ask_command.run(options("hi", "--model", model, *kept), tools) == 0
    assert tools.out.getvalue() == "on and on\n"
    assert tools.err.getvalue().startswith("The answer only repeated itself and was ended.")
    assert tools.err.getvalue().count("\n") == 1
    tools = scripted(answer)
    assert ask_command.run(options("hi", "--model", model, "--json", *kept), tools) == 0
    assert json.loads(tools.out.getvalue())["stop_reason"] == "repetition"


@pytest.mark.parametrize("kept", [[], ["--conversation", "c1"]], ids=["alone", "in a conversation"])
def test_such_an_answer_is_ended_unless_the_settings_say_otherwise(
    model: str, kept: list[str], scripted: MakeTools
) -> None:
    begin(scripted)
    for wanted in (True, False):
        SettingsFile(find_paths().settings_file).change(stop_on_repetition=wanted)
        tools = scripted()
        ask_command.run(options("hi", "--model", model, *kept), tools)
        assert tools.scripted.requests[0].options.stop_on_repetition is wanted


def test_the_model_of_the_settings_answers_where_none_is_named(model: str, scripted: MakeTools) -> None:
    SettingsFile(find_paths().settings_file).change(model=model)
    tools = scripted()
    ask_command.run(options("hi"), tools)
    assert tools.scripted.loads[0].model_path == model


def test_dropped_messages_are_told(model: str, scripted: MakeTools) -> None:
    tools = scripted(FakeAnswer("Yes.", dropped_messages=3))
    ask_command.run(options("hi", "--model", model), tools)
    assert "left out" in tools.err.getvalue()
    tools = scripted(FakeAnswer("Yes.", dropped_messages=3))
    ask_command.run(options("hi", "--model", model, "--conversation", begin(scripted)), tools)
    assert tools.err.getvalue().count("left out") == 1


def refused_or_cut(request: GenerateRequest) -> FakeAnswer:
    """The third question does not fit: it is refused, or the oldest are left out. A summary is a short sentence."""
    if not request.conversation:
        return FakeAnswer("They spoke of keys.")
    if sum(turn.role == "user" for turn in request.messages) < 3:
        return FakeAnswer("Whole.")
    if request.options.context_full == "stop":
        return FakeAnswer(error=ContextFullError("The context is full.", needed_tokens=5000))
    return FakeAnswer("Cut.", dropped_messages=2)


def with_two_rounds(scripted: MakeTools, model: str, **settings: Any) -> None:
    begin(scripted)
    SettingsFile(find_paths().settings_file).change(model=model, **settings)
    for question in ("one " * 40, "two " * 40):
        ask_command.run(options(question, "--conversation", "c1"), scripted(script=refused_or_cut))


def test_where_nobody_can_be_asked_the_oldest_are_left_out_and_it_is_told(model: str, scripted: MakeTools) -> None:
    with_two_rounds(scripted, model)
    tools = scripted(script=refused_or_cut)
    assert ask_command.run(options("three " * 40, "--conversation", "c1"), tools) == 0
    assert tools.out.getvalue() == "Cut.\n"
    tools = scripted(script=refused_or_cut)
    ask_command.run(options("four", "--conversation", "c1"), tools)
    assert tools.err.getvalue().count("left out") == 1, "and not again for the answer before"


def test_to_stop_is_an_error_of_the_engine_with_what_leads_on(model: str, scripted: MakeTools) -> None:
    with_two_rounds(scripted, model, context_full="stop")
    with pytest.raises(ContextFullError) as caught:
        ask_command.run(options("three " * 40, "--conversation", "c1"), scripted(script=refused_or_cut))
    assert exit_code(caught.value) == 6


def test_a_summary_is_told_in_words_and_kept(model: str, scripted: MakeTools) -> None:
    with_two_rounds(scripted, model, context_full="summarize")
    tools = scripted(script=refused_or_cut)
    assert ask_command.run(options("three " * 40, "--conversation", "c1"), tools) == 0
    assert "They spoke of keys." in tools.err.getvalue()
    assert tools.conversation_store.branch("c1")[-1].summary == SummaryPart("They spoke of keys.", 4)
    shown = scripted()
    conversations_command.run(parser().parse_args(["conversations", "show", "c1"]), shown)
    assert "They spoke of keys." in shown.out.getvalue()


def test_what_one_message_gave_way_to_is_told_in_the_singular(scripted: MakeTools) -> None:
    store = scripted().conversation_store
    answer = Message("m", "c1", None, "assistant", (SummaryPart("Keys.", 1),), timing=Timing(dropped_messages=1))
    store.add_messages((answer,), create=Conversation("c1"))
    shown = scripted()
    conversations_command.run(parser().parse_args(["conversations", "show", "c1"]), shown)
    assert "in place of the first message: Keys." in shown.out.getvalue()
    assert "did not see the oldest message." in shown.out.getvalue()


def test_at_a_terminal_the_person_is_asked_and_the_answer_holds(
    model: str, scripted: MakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_two_rounds(scripted, model)
    tools = scripted(script=refused_or_cut)
    monkeypatch.setattr(context_prompt, "can_be_asked", lambda _: True)
    typed = iter(["what?", "l"])
    monkeypatch.setattr("builtins.input", lambda: next(typed))
    line = ["--seed", "5", "--max-tokens", "9", "--system", "Be stern.", "--stop", "x"]
    assert ask_command.run(options("three " * 40, "--conversation", "c1", *line), tools) == 0
    assert tools.out.getvalue() == "Cut.\n"
    assert tools.conversation_store.conversation("c1").context_full == "drop-oldest"
    assert tools.err.getvalue().count("eave out the oldest") == 2, "asked where the answer is not"
    before, after = tools.scripted.requests
    assert after.messages == before.messages
    assert after.messages[0].text == "Be stern."
    assert after.options == msgspec.structs.replace(before.options, context_full="drop-oldest")


def test_a_program_that_reads_json_is_not_asked(
    model: str, scripted: MakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_two_rounds(scripted, model)
    monkeypatch.setattr(context_prompt, "can_be_asked", lambda _: True)
    tools = scripted(script=refused_or_cut)
    assert ask_command.run(options("three " * 40, "--conversation", "c1", "--json"), tools) == 0
    told = json.loads(tools.out.getvalue())
    assert (told["text"], told["conversation"], told["tool_calls"]) == ("Cut.", "c1", [])


def test_a_new_conversation_is_kept_and_named(model: str, scripted: MakeTools) -> None:
    tools = scripted(FakeAnswer("Hello.", calls=(ToolCallPart("1", "look", '{"at": 2}'),)))
    ask_command.run(options("hi", "--model", model, "--conversation", "new", "--json"), tools)
    told = json.loads(tools.out.getvalue())
    assert [turn.text for turn in tools.conversation_store.branch(told["conversation"])] == ["hi", "Hello."]
    assert told["tool_calls"] == [{"id": "1", "name": "look", "arguments": '{"at": 2}'}]
    tools = scripted(FakeAnswer("Hello."))
    ask_command.run(options("again", "--model", model, "--conversation", told["conversation"]), tools)
    assert [turn.text for turn in tools.scripted.requests[0].messages][-1] == "again"
    assert tools.err.getvalue() == ""
    tools = scripted(FakeAnswer("Hello."))
    ask_command.run(options("hi", "--model", model, "--conversation", "new"), tools)
    newest = tools.conversation_store.conversations()[0].id
    assert newest != told["conversation"]
    assert newest in tools.err.getvalue()
    tools = scripted(FakeAnswer("Hello."))
    ask_command.run(options("hi", "--model", model, "--json"), tools)
    alone = json.loads(tools.out.getvalue())
    assert (alone.get("conversation"), alone["tool_calls"]) == (None, [])


def test_a_message_is_kept_in_the_context_by_the_command(model: str, scripted: MakeTools) -> None:
    with_two_rounds(scripted, model)
    tools = scripted()
    first = tools.conversation_store.branch("c1")[0]
    for action, pinned in (("pin", True), ("unpin", False)):
        conversations_command.run(parser().parse_args(["conversations", action, "c1", first.id]), tools)
        assert tools.conversation_store.message(first.id).pinned is pinned
    tools.conversation_store.create(Conversation("c2"))
    for conversation, message in (("c2", first.id), ("c1", "none")):
        with pytest.raises(NotFoundError):
            conversations_command.run(parser().parse_args(["conversations", "pin", conversation, message]), tools)


def test_in_a_conversation_every_option_reaches_the_engine(model: str, scripted: MakeTools) -> None:
    begin(scripted, system_prompt="Be kind.")
    tools = scripted()
    line = ["--system", "Be stern.", "--raw-prompt", "--ignore-eos", "--seed", "5", "--max-tokens", "9"]
    ask_command.run(options("hi", "--model", model, "--conversation", "c1", *line), tools)
    (request,) = tools.scripted.requests
    assert [(turn.role, turn.text) for turn in request.messages] == [("system", "Be stern."), ("user", "hi")]
    assert request.options.raw_prompt
    assert request.options.ignore_eos
    assert request.options.sampling.seed == 5
    assert request.options.max_tokens == 9
    assert tools.conversation_store.conversation("c1").system_prompt == "Be kind."  # for this turn alone


def test_what_a_conversation_is_set_to_counts_where_the_command_says_nothing(model: str, scripted: MakeTools) -> None:
    options_of_chat = ChatOptions(sampling={"temperature": 0.2, "top_k": 7, "max_tokens": 33}, preset="calm")
    scripted().conversation_store.create(Conversation("c1", options=options_of_chat))
    PresetFile(find_paths().presets_file).set("calm", Preset("Be calm.", sampling=SamplingParams(min_p=0.3)))
    tools = scripted()
    ask_command.run(options("hi", "--model", model, "--conversation", "c1", "--temperature", "0.9"), tools)
    (request,) = tools.scripted.requests
    assert request.messages[0].text == "Be calm."
    assert request.options.sampling == SamplingParams(temperature=0.9, top_k=7, min_p=0.3)
    assert request.options.max_tokens == 33


def test_what_a_model_is_set_to_counts_with_and_without_a_conversation(model: str, scripted: MakeTools) -> None:
    own = ModelSettings(system_prompt="Be brief.", sampling={"top_k": 7}, preset="calm")
    PresetFile(find_paths().presets_file).set("calm", Preset(sampling=SamplingParams(min_p=0.3), max_tokens=9))
    tools = scripted()
    model_id = tools.library.find(model).id
    tools.settings_file.change_model(model_id, own)
    ask_command.run(options("hi", "--model", model, "--seed", "3"), tools)
    again = scripted()
    ask_command.run(options("hi", "--model", model, "--seed", "3", "--conversation", "new"), again)
    for request in (*tools.scripted.requests, *again.scripted.requests):
        assert [(turn.role, turn.text) for turn in request.messages] == [("system", "Be brief."), ("user", "hi")]
        assert request.options.sampling == SamplingParams(top_k=7, min_p=0.3, seed=3)
        assert request.options.max_tokens == 9


def test_a_conversation_keeps_its_own_system_prompt_and_model(model: str, scripted: MakeTools) -> None:
    store = scripted().conversation_store
    store.create(Conversation("c1", system_prompt="Be kind.", model_id=model))
    tools = scripted()
    ask_command.run(options("hi", "--conversation", "c1"), tools)
    assert tools.scripted.requests[0].messages[0].text == "Be kind."
    assert tools.scripted.loads[0].model_path == model


def test_a_failed_answer_in_a_conversation_is_kept_with_what_was_said(model: str, scripted: MakeTools) -> None:
    fault = EngineError("The engine could not go on.")
    tools = scripted(FakeAnswer("one two three", error=fault, fails_after=2))
    with pytest.raises(EngineError, match="could not go on"):
        ask_command.run(options("hi", "--model", model, "--conversation", begin(scripted)), tools)
    kept = scripted().conversation_store.branch("c1")
    assert [message.role for message in kept] == ["user", "assistant"]
    assert (kept[1].text, kept[1].status) == ("one two", "failed")


def test_a_question_to_a_model_that_nobody_accepted_leaves_no_turn_in_the_conversation(
    home: Path, scripted: MakeTools
) -> None:
    stranger = str(random_model(home / "other.gguf", seed=9))
    tools = scripted()
    with pytest.raises(LicenseError, match="never imported"):
        ask_command.run(options("hi", "--model", stranger, "--conversation", begin(scripted)), tools)
    assert not tools.conversation_store.branch("c1")
    assert tools.scripted.loads == []


def test_a_deleted_conversation_is_not_continued(model: str, scripted: MakeTools) -> None:
    store = scripted().conversation_store
    store.create(Conversation("c2"))
    FolderStore(store.database).delete_conversations(["c2"], 1.0)
    with pytest.raises(NotFoundError, match="c2"):
        ask_command.run(options("hi", "--model", model, "--conversation", "c2"), scripted())


def test_where_conversations_cannot_be_kept_the_chat_says_so(
    model: str, monkeypatch: pytest.MonkeyPatch, scripted: MakeTools
) -> None:
    monkeypatch.setenv("LATCHKEY_HOME", "/dev/null/home")
    tools = scripted()
    with tools.engine_for(None) as engine, TerminalSession(tools, engine, NullAnswerWriter()) as session:
        session.new()
        session.use(tools.library.find(model))
        with pytest.raises(ResourceError, match="not writable"):
            session.ask("hi")
