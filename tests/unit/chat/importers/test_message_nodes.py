"""Messages of other programs as a tree."""

from desktop.chat.importers.conversation_draft import ConversationDraft, code_block, thinking_and_text
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.chat.importers.message_nodes import MessageNode, forest_of, joined_parts, paired_parts
from desktop.conversation import MessagePart, Role, TextPart, ThinkingPart, ToolCallPart, ToolResultPart


def node(key: str, parent: str | None, text: str = "x", role: Role = "user", at: float = 0.0) -> MessageNode:
    parts: list[MessagePart] = [TextPart(text)] if text else []
    return MessageNode(key, parent, role, parts, at, joins=role == "assistant")


def links(*nodes: MessageNode) -> dict[str, str | None]:
    return {each.key: each.parent for each in forest_of({each.key: each for each in nodes}).nodes}


def test_what_says_nothing_is_left_out_from_between() -> None:
    assert links(node("a", None), node("b", "a", ""), node("c", "b", ""), node("d", "c")) == {"a": None, "d": "a"}
    forest = forest_of({each.key: each for each in (node("a", None), node("b", "a", ""), node("c", "b", ""))})
    assert forest.keys == {"a": "a", "b": "a", "c": "a"}


def test_circles_are_cut_and_orphans_begin_a_branch() -> None:
    assert links(node("a", "b"), node("b", "a"), node("c", "c"), node("d", "nowhere")) == {
        "d": None,
        "a": None,
        "b": "a",
        "c": None,
    }
    assert links(node("a", "b", ""), node("b", "a", ""), node("c", "b")) == {"c": None}


def test_siblings_stand_by_their_time() -> None:
    assert list(links(node("a", None, at=5), node("c", "a", at=9), node("b", "a", at=7))) == ["a", "b", "c"]


def test_an_answer_that_goes_on_is_one_and_one_with_branches_is_not() -> None:
    line = (node("a", None), node("b", "a", "1", "assistant"), node("c", "b", "2", "assistant"))
    assert links(*line) == {"a": None, "b": "a"}
    assert links(*line, node("d", "b", "3", "assistant")) == {"a": None, "b": "a", "c": "b", "d": "b"}


def test_answers_on_both_sides_of_a_question_without_words_stay_two() -> None:
    answers = (node("b", "a", "1", "assistant"), node("d", "c", "2", "assistant"))
    assert links(node("a", None), *answers, node("c", "b", "")) == {"a": None, "b": "a", "d": "b"}
    assert links(node("a", None), *answers, node("c", "b", "", "assistant")) == {"a": None, "b": "a"}


def test_ten_thousand_that_say_nothing_are_passed_at_once() -> None:
    empty = [node(str(number), str(number + 1), "") for number in range(10_000)]
    said = [node(f"m{number}", str(number), "x") for number in range(10_000)]
    assert set(links(*empty, *said).values()) == {None}


def test_texts_and_thoughts_that_meet_become_one() -> None:
    call = ToolCallPart("", "f", "{}")
    parts: list[MessagePart] = [
        ThinkingPart("a", 1.0),
        ThinkingPart("b", 2.0),
        TextPart("c"),
        TextPart(" "),
        TextPart("d"),
        call,
    ]
    assert joined_parts(parts) == [ThinkingPart("a\n\nb", 3.0), TextPart("c\n\n \n\nd"), call]
    assert joined_parts([TextPart(" \n"), ThinkingPart("", 2.0)]) == []


def test_results_name_their_calls() -> None:
    results = [ToolResultPart("", "", ()), ToolResultPart("x", "", ())]
    made = paired_parts([ToolCallPart("x", "f", "{}"), ToolCallPart("", "g", "{}"), *results])
    assert made == [
        ToolCallPart("x", "f", "{}"),
        ToolCallPart("call-1", "g", "{}"),
        ToolResultPart("call-1", "g", ()),
        ToolResultPart("x", "f", ()),
    ]


def test_thinking_is_told_from_text_at_the_beginning_alone() -> None:
    assert thinking_and_text("\n<think>\na\n</think>\n\nb") == [ThinkingPart("a"), TextPart("b")]
    assert thinking_and_text("<think>a") == [ThinkingPart("a")]
    assert thinking_and_text("b <think>a</think>") == [TextPart("b <think>a</think>")]


def test_code_with_fences_is_fenced_by_more() -> None:
    assert code_block("```\nx\n```", "md") == "````md\n```\nx\n```\n````"
    assert code_block("x", "a b\n") == "```\nx\n```"


def test_a_draft_has_ids_for_what_has_none() -> None:
    def made(*texts: str) -> list[ImportedConversation | SkippedItem]:
        draft = ConversationDraft("App", "", "")
        above: str | None = None
        for text in texts:
            above = draft.add("", above, "user", [TextPart(text)], created_at=7.0)
        return list(draft.finish(above or ""))

    (one,), (more,), (other,) = made("a"), made("a", "b", "b"), made("b")
    assert isinstance(one, ImportedConversation)
    assert isinstance(more, ImportedConversation)
    assert isinstance(other, ImportedConversation)
    assert one.conversation.id == more.conversation.id != other.conversation.id
    assert one.messages[0].id == more.messages[0].id
    assert len({message.id for message in more.messages}) == 3


def test_what_is_left_out_for_one_reason_is_named_together() -> None:
    draft = ConversationDraft("App", "k", "Name\u202eof\nit")
    for number in range(5000):
        draft.leave_out("It is too large.", f"{number}.png")
    (item, _) = list(draft.finish())
    assert isinstance(item, SkippedItem)
    assert item.what == "“Name\ufffdof it”: 0.png, 1.png, 2.png and 4997 more"
