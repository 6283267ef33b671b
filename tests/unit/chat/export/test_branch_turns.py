"""Every message of a tree stands in one place of what is exported for people."""

from desktop.chat.export.branch_turns import branch_turns
from desktop.conversation import Conversation, Message, TextPart
from desktop.storage.whole_conversation import WholeConversation
from tests.unit.chat.export.chats import branched


def test_each_message_stands_in_one_place() -> None:
    whole = branched()
    turns = list(branch_turns(whole))
    placed = [turn.message.id for turn in turns if turn.message] + [
        message.id for turn in turns for branch in turn.others for message in branch
    ]
    assert sorted(placed) == sorted(message.id for message in whole.messages)
    assert [turn.message.id if turn.message else None for turn in turns] == ["q", "a2", "q2", None]


def test_other_branches_stand_where_they_part() -> None:
    _, second, third, end = branch_turns(branched())
    assert [[message.id for message in branch] for branch in second.others] == [["a1", "q1", "r2"], ["r1"], ["a3"]]
    assert third.others == ()
    assert [[message.id for message in branch] for branch in end.others] == [["r3"]]


def test_a_tree_of_thousands_of_levels_needs_no_stack() -> None:
    messages = [Message("0", "c", None, "user", (TextPart("x"),))]
    for number in range(1, 6000, 2):
        parent = messages[-1].id
        messages += [Message(str(number + at), "c", parent, "assistant", (TextPart("y"),)) for at in range(2)]
    whole = WholeConversation(Conversation("c", leaf_id="0"), tuple(messages))
    placed = sum(len(branch) for turn in branch_turns(whole) for branch in turn.others)
    assert placed == len(messages) - 1


def test_a_chat_without_messages_has_no_turns() -> None:
    assert list(branch_turns(WholeConversation(Conversation("c"), ()))) == []
