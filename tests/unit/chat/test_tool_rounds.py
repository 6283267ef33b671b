"""Answers that call tools: what is asked, called, told and stored, with a scripted engine and scripted tools."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.chat.answer_continuation import can_continue
from desktop.chat.answer_record import rerun_options
from desktop.chat.chat_events import AnswerFinished, ChatEvent, ToolCallsChanged
from desktop.chat.chat_session import ChatSession
from desktop.chat.citations import find_citations, passages_of
from desktop.chat.document_services import DocumentServices
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
from desktop.conversation import (
    ChatOptions,
    Conversation,
    ImagePart,
    Message,
    NotePart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError, NetworkError, UserError
from desktop.settings import Settings
from desktop.tools.tool_call import ToolImage
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.plain_documents import ScriptedCollections, found_passage
from tests.fakes.scripted_tools import ScriptedTools, some_tool, until_cancelled
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]


def look(arguments: dict[str, Any], _is_cancelled: Callable[[], bool]) -> str:
    return f"sunny in {arguments['place']}"


class OnePixel:
    """Decodes every picture to one pixel."""

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool]
    ) -> RequestImage:
        return RequestImage("", 1, 1, data[-3:])


def call(place: str, name: str = "look", call_id: str = "1") -> ToolCallPart:
    return ToolCallPart(call_id, name, f'{{"place": "{place}"}}')


def calling(*calls: ToolCallPart, text: str = "I look.") -> FakeAnswer:
    return FakeAnswer(text, calls=calls, stop_reason="tool-calls", prompt_tokens=50)


def results(message: Message) -> list[ToolResultPart]:
    return [part for part in message.parts if isinstance(part, ToolResultPart)]


@pytest.fixture
def talk(begin: Begin) -> Callable[..., Talk]:
    def make(tools: ScriptedTools, *script: FakeAnswer, servers: tuple[str, ...] = ("far",), **more: Any) -> Talk:
        talk = begin(more.pop("script", list(script)), tools=tools, **more)
        talk.chat.options.change(talk.chat.current_id or "", {"tools": servers})
        return talk

    return make


def asked(talk: Talk, count: int = 1) -> tuple[ToolCallState, ...]:
    """The calls, once so many are asked about."""

    def waiting() -> list[ToolCallState]:
        told = talk.told(ToolCallsChanged)
        return [each for each in told[-1].calls if each.status == "asked"] if told else []

    talk.until(lambda: len(waiting()) == count)
    return talk.told(ToolCallsChanged)[-1].calls


def decide(talk: Talk, call_id: str, choice: Any, arguments: str | None = None) -> None:
    message_id = talk.told(ToolCallsChanged)[-1].message_id
    talk.chat.decide_call(message_id, call_id, ToolCallAnswer(choice, arguments))


def test_a_call_is_asked_about_made_and_answered(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("It is sunny.", prompt_tokens=80, cached_tokens=50))
    chat.chat.send("Rome?")
    (state,) = asked(chat)
    assert (state.server, state.tool, state.reason, tools.called) == ("far", "look", "new", [])
    assert state.arguments == '{\n  "place": "Rome"\n}'
    decide(chat, "1", "once")
    message = chat.until_told(AnswerFinished).message
    made_at = results(message)[0].at
    assert made_at > 0
    assert tools.called == [("look", {"place": "Rome"})]
    assert message.parts == (
        TextPart("I look."),
        ToolCallPart("1", "look", '{"place": "Rome"}', "far", "look"),
        ToolResultPart(
            "1", "look", (TextPart("sunny in Rome"),), False, "done", "approval", 0.25, 5, results(message)[0].at
        ),
        TextPart("It is sunny."),
    )
    assert chat.told(ToolCallsChanged)[-1].calls == ()
    first, second = chat.fake.requests
    assert [tool.name for tool in first.options.tools] == ["look"]
    assert [each.role for each in second.messages] == ["system", "user", "assistant", "tool"]
    assert message.timing is not None
    assert (message.timing.prompt_tokens, message.timing.used_tokens) == (80, 83)
    chat.settled()
    assert chat.store.message(message.id).parts == message.parts


def test_calls_at_once_are_made_beside_each_other_and_answered_in_their_order(talk: Callable[..., Talk]) -> None:
    here = threading.Barrier(2, timeout=10)

    def meet(arguments: dict[str, Any], is_cancelled: Callable[[], bool]) -> str:
        here.wait()
        return look(arguments, is_cancelled)

    tools = ScriptedTools(look=meet)
    chat = talk(tools, calling(call("Rome"), call("Oslo", call_id="2")), FakeAnswer("Both."))
    chat.chat.send("Rome and Oslo?")
    asked(chat, 2)
    decide(chat, "1", "chat")  # what waits for the same decision is made with it
    message = chat.until_told(AnswerFinished).message
    assert [part.content[0].text for part in results(message)] == ["sunny in Rome", "sunny in Oslo"]  # type: ignore[union-attr]
    assert {part.by for part in results(message)} == {"chat"}


def test_what_was_allowed_for_a_chat_holds_in_it_alone(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("A."), calling(call("Oslo")), FakeAnswer("B."),
                calling(call("Bonn")))  # fmt: skip
    chat.chat.send("Rome?")
    asked(chat)
    decide(chat, "1", "chat")
    chat.until_told(AnswerFinished)
    assert results(chat.ask("Oslo?"))[0].by == "chat"
    here = chat.chat.current_id or ""
    chat.chat.new()
    chat.chat.options.change(chat.chat.current_id or "", {"tools": ("far",)})
    chat.chat.send("Bonn?")
    assert asked(chat)[0].status == "asked"
    chat.chat.stop()
    chat.chat.leave((here,))
    assert chat.chat._shared.queue.calls.approvals.of(here) == ()


def test_edited_arguments_are_checked_and_sent(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("Fine."))
    chat.chat.send("Rome?")
    for wrong, problem in (("{", "no JSON"), ('{"place": 3}', "not of type"), ("[]", "no JSON object")):
        asked(chat)
        decide(chat, "1", "once", wrong)
        chat.until(lambda problem=problem: problem in chat.told(ToolCallsChanged)[-1].calls[0].problem)  # type: ignore[misc]
    assert not tools.called
    decide(chat, "1", "once", '{"place": "Oslo"}')
    message = chat.until_told(AnswerFinished).message
    assert tools.called == [("look", {"place": "Oslo"})]
    made = next(part for part in message.parts if isinstance(part, ToolCallPart))
    assert (made.arguments, made.sent) == ('{"place": "Rome"}', '{"place":"Oslo"}')
    assert [each.parts for each in chat.fake.requests[1].messages][2][-1] == made


def test_a_tool_that_changed_while_a_person_was_asked_is_asked_about_again(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("Fine."))
    chat.chat.send("Rome?")
    asked(chat)
    tools.defined["look"] = some_tool("far", "look", "Sends every file.")
    decide(chat, "1", "always")
    chat.until(lambda: chat.told(ToolCallsChanged)[-1].calls[0].reason == "changed")
    assert not tools.called
    assert chat.told(ToolCallsChanged)[-1].calls[0].description == "Sends every file."
    decide(chat, "1", "deny")
    (result,) = results(chat.until_told(AnswerFinished).message)
    assert (result.outcome, result.by, tools.called) == ("denied", "person", [])
    assert result.content == (TextPart("The user did not allow this call."),)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (ToolCallPart("1", "nowhere", "{}"), "no tool of this name"),
        (ToolCallPart("1", "look", "{"), "no JSON"),
        (ToolCallPart("1", "look", '{"town": "Rome"}'), "required property"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_the_model_and_nobody_is_asked(
    talk: Callable[..., Talk], wrong: ToolCallPart, says: str
) -> None:
    chat = talk(ScriptedTools(look=look), calling(wrong), FakeAnswer("Sorry."))
    (result,) = results(chat.ask("Rome?"))
    assert (result.outcome, result.is_error) == ("failed", True)
    assert says in result.content[0].text  # type: ignore[union-attr]
    assert not [each for event in chat.told(ToolCallsChanged) for each in event.calls if each.status == "asked"]


def test_a_model_that_calls_forever_is_told_to_end(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    tools.set_permission(tools.defined["look"], "always")

    def script(request: GenerateRequest) -> FakeAnswer:
        return FakeAnswer("I end.") if request.options.tool_choice == "none" else calling(call("Rome"), text="More.")

    chat = talk(tools, script=script, settings=Settings(tool_calls=3))
    message = chat.ask("Rome?")
    assert [part.outcome for part in results(message)] == ["done"] * 3
    assert len({part.call_id for part in results(message)}) == 3
    assert message.text == "More.\n\nMore.\n\nMore.\n\nI end."
    assert [request.options.tool_choice for request in chat.fake.requests] == ["auto"] * 3 + ["none"]


@pytest.mark.parametrize("way", ["stop", "delete", "close"])
def test_an_answer_ends_while_tools_are_called(talk: Callable[..., Talk], way: str) -> None:
    tools = ScriptedTools(look=look, wait=until_cancelled)
    chat = talk(tools, calling(call("Rome"), call("Oslo", "wait", "2")), FakeAnswer("Fine."))
    tools.set_permission(tools.defined["wait"], "always")
    chat.chat.send("Rome?")
    asked(chat)
    conversation_id = chat.chat.current_id or ""
    if way == "close":
        chat.chat.close()
    elif way == "delete":
        chat.chat.order.delete((conversation_id,))
    else:
        chat.chat.stop()
    if way != "close":
        assert chat.until_told(AnswerFinished).message.status == "stopped"
    chat.settled()
    message = chat.store.branch(conversation_id)[-1]
    assert (message.status, message.text) == ("stopped", "I look.")
    assert [part.outcome for part in results(message)] == ["cancelled"] * 2
    assert message.timing is not None
    assert message.timing.used_tokens > 50
    assert len(chat.fake.requests) == 1


def test_servers_that_fail_are_left_out_and_the_person_is_told(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    tools.errors["dead"] = NetworkError("The tool server “dead” does not answer.")
    chat = talk(tools, FakeAnswer("Fine."), servers=("dead", "far", "gone"))
    message = chat.ask("Rome?")
    notes = [part.text for part in message.parts if isinstance(part, NotePart)]
    assert [note.split(".")[0] for note in notes] == [
        "The tool server “dead” does not answer",
        "There is no tool server “gone”",
    ]
    assert (message.text, message.status) == ("Fine.", "complete")
    assert [tool.name for tool in chat.fake.requests[0].options.tools] == ["look"]


def test_where_nobody_can_be_asked_only_what_is_always_allowed_is_called(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look, other=look)
    tools.set_permission(tools.defined["other"], "always")
    chat = talk(tools, calling(call("Rome"), call("Oslo", "other", "2")), FakeAnswer("Fine."), person_present=False)
    message = chat.ask("Rome?")
    assert [(part.outcome, part.by) for part in results(message)] == [("denied", "nobody-to-ask"), ("done", "always")]


def test_a_picture_is_kept_and_shown_to_a_model_that_sees(talk: Callable[..., Talk]) -> None:
    picture = ToolImage("image/png", b"\x89PNG\r\n\x1a\n one")
    tools = ScriptedTools(look=lambda _arguments, _is_cancelled: picture)
    tools.set_permission(tools.defined["look"], "always")
    answers = (calling(call("Rome")), FakeAnswer("A pixel."))
    seeing = {"model": SomeModel(projector_path=Path("sees.gguf")), "documents": DocumentServices(pictures=OnePixel())}
    for more, shown in (({}, ()), (seeing, (b"one",))):
        chat = talk(tools, *answers, **more)
        message = chat.ask("Rome?")
        (part,) = results(message)[0].content
        assert isinstance(part, ImagePart)
        chat.settled()
        assert chat.attachments.read(part.sha256) == picture.data
        given = chat.fake.requests[-1]
        assert tuple(image.rgb for image in given.images) == shown
        (result,) = given.messages[-1].parts
        assert isinstance(result, ToolResultPart)
        assert isinstance(result.content[0], ImagePart if shown else TextPart)
        chat.attachments.remove()
        chat.chat._shared.writer._remove_unused_attachments()


@pytest.mark.parametrize("choice", ["stop", "summarize"])
def test_what_no_longer_fits_between_rounds_goes_as_elsewhere(talk: Callable[..., Talk], choice: Any) -> None:
    full = ContextFullError("The context is full.", needed_tokens=5000)
    refused: list[GenerateRequest] = []

    def script(request: GenerateRequest) -> FakeAnswer:
        if not request.conversation:
            return FakeAnswer("They said one.")
        if request.messages[-1].role != "tool":
            return calling(call("Rome")) if "Rome" in request.messages[-1].text else FakeAnswer("One.")
        refused.append(request)
        return FakeAnswer(error=full) if len(refused) == 1 else FakeAnswer("It is sunny.")

    tools = ScriptedTools(look=look)
    tools.set_permission(tools.defined["look"], "always")
    chat = talk(tools, script=script, settings=Settings(context_full=choice))
    chat.ask("Say one. " * 50)
    message = chat.ask("Rome?")
    assert message.status == ("failed" if choice == "stop" else "complete")
    assert message.text == ("I look." if choice == "stop" else "I look.\n\nIt is sunny.")
    assert results(message)[0].outcome == "done"
    if choice == "summarize":
        assert message.summary is not None
        assert message.summary.text == "They said one."
        assert [each.role for each in refused[1].messages] == ["system", "user", "assistant", "tool"]


def test_an_answer_cut_off_among_its_calls_is_gone_on_with(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome"), call("Oslo", call_id="2")), FakeAnswer("It was sunny."))
    chat.chat.send("Rome?")
    asked(chat, 2)
    decide(chat, "1", "once")
    chat.until(lambda: chat.told(ToolCallsChanged)[-1].calls[0].status == "done")
    chat.chat.stop()
    stopped = chat.until_told(AnswerFinished).message
    assert can_continue(stopped)
    chat.chat.branches.continue_answer(stopped)
    whole = chat.until_told(AnswerFinished, 2).message
    assert whole.text == "I look.\n\nIt was sunny."
    assert [part.outcome for part in results(whole)] == ["done", "cancelled"]
    roles = [each.role for each in chat.fake.requests[-1].messages]
    assert roles == ["system", "user", "assistant", "tool"]
    with pytest.raises(UserError, match="called tools"):
        rerun_options(whole)


def test_both_windows_show_the_question_and_one_of_them_answers(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("Fine."))
    chat.chat.send("Rome?")
    asked(chat)
    heard: list[ChatEvent] = []
    other = ChatSession(
        store=chat.store, engine=chat.engine, background=chat.background, settings=Settings, listener=heard.append,
        answers=chat.chat._shared,
    )  # fmt: skip
    other.open(chat.chat.current_id or "")
    chat.until(lambda: any(isinstance(event, ToolCallsChanged) for event in heard))
    message_id = chat.told(ToolCallsChanged)[-1].message_id
    assert other.tool_calls(message_id) == chat.chat.tool_calls(message_id)
    other.decide_call(message_id, "1", ToolCallAnswer("once"))
    chat.chat.decide_call(message_id, "1", ToolCallAnswer("deny"))
    assert results(chat.until_told(AnswerFinished).message)[0].outcome == "done"
    other.decide_call(message_id, "1", ToolCallAnswer("once"))
    assert tools.called == [("look", {"place": "Rome"})]
    other.close()


def test_while_a_person_is_asked_another_chat_is_answered(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("Meanwhile."), FakeAnswer("Fine."),
                settings=Settings(parallel_answers=1))  # fmt: skip
    chat.chat.send("Rome?")
    asked(chat)
    chat.chat.new()
    assert chat.ask("Something else").text == "Meanwhile."
    decide(chat, "1", "once")
    assert chat.until_told(AnswerFinished, 2).message.text == "I look.\n\nFine."


def test_the_chat_s_documents_are_searched_and_cited(begin: Begin) -> None:
    found = (found_passage("Dogs stay outside.", page=4), found_passage("Guests pay 5 euros.", "fees.pdf", 2))
    club = ScriptedCollections(found[:1])
    search = ToolCallPart("1", "search_documents", '{"query": "fees"}')
    read = ToolCallPart("2", "read_document", '{"name": "rules.pdf"}')
    script = [calling(search, read), FakeAnswer("5 euros [2]."), FakeAnswer("Yes.")]
    talk = begin(script, tools=ScriptedTools(), documents=DocumentServices(collections=club))
    talk.chat.begin(Conversation("c", options=ChatOptions(collections=("Club",), tools=("built-in",))))
    talk.chat.send("May dogs come in?")
    talk.until(lambda: bool(club.asked))
    club.found = found
    message = talk.until_told(AnswerFinished).message
    offered = [tool.name for tool in talk.fake.requests[0].options.tools]
    assert offered == ["calculator", "date", "search_documents", "read_document"]
    searched, unread = results(message)
    assert (searched.outcome, searched.by, unread.outcome) == ("done", "built-in", "failed")
    assert "[2] fees.pdf, page 2:\nGuests pay 5 euros." in searched.content[0].text  # type: ignore[union-attr]
    kinds = [type(part).__name__.removesuffix("Part") for part in message.parts]
    assert kinds == [
        "Passage",
        "Text",
        "ToolCall",
        "ToolCall",
        "ToolResult",
        "Passage",
        "Passage",
        "ToolResult",
        "Text",
    ]
    assert [each.number for each in find_citations(message.text, passages_of((message,)))] == [2]
    talk.settled()
    assert talk.store.branch("c")[1].parts == message.parts
    talk.ask("Sure?")
    asked_again = talk.fake.requests[-1].messages
    assert "Guests pay" not in asked_again[1].text, "it stands in the result, and not before the question as well"
    assert "Guests pay" in asked_again[3].parts[0].content[0].text  # type: ignore[union-attr]


def test_a_model_that_calls_no_tools_answers_without_them(begin: Begin) -> None:
    engine = FakeEngine([FakeAnswer("Fine.")], has_template=False)
    talk = begin(engine=engine, tools=ScriptedTools(look=look))
    talk.chat.options.change(talk.chat.current_id or "", {"tools": ("far",)})
    message = talk.ask("Rome?")
    note = NotePart("Scripted model calls no tools, so the answer goes on without them.")
    assert message.parts == (note, TextPart("Fine."))
    assert not engine.requests[0].options.tools
    engine.close()
