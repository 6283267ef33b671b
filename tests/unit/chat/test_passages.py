"""Passages of collections: looked for before the answer, stored with it, and the same when it is made again."""

import threading
from collections.abc import Callable, Sequence

import pytest

from desktop.chat.answer_overrides import AnswerOverrides
from desktop.chat.chat_events import AnswerFinished, AnswerPhase, AnswerReplaced
from desktop.chat.document_services import DocumentServices
from desktop.chat.passage_choice import chosen_passages, document_context, follows_up, passage_room, search_queries
from desktop.conversation import ChatOptions, Conversation, Folder, Message, PassagePart, TextPart
from desktop.documents.passage_search import FoundPassage
from desktop.errors import NotFoundError
from desktop.storage.folder_store import FolderStore
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.plain_documents import ScriptedCollections, found_passage
from tests.fakes.talk import Talk

Begin = Callable[..., Talk]
FOUND = (found_passage("Dogs stay outside.", page=4), found_passage("Guests pay 5 euros.", "fees.pdf", 2))


def passages(message: Message) -> list[PassagePart]:
    return [part for part in message.parts if isinstance(part, PassagePart)]


def searching(begin: Begin, found: Sequence[FoundPassage] | NotFoundError = FOUND) -> tuple[Talk, ScriptedCollections]:
    """A new chat that searches the collection "Club"."""
    club = ScriptedCollections(found)
    talk = begin([FakeAnswer("They stay outside [1].")], documents=DocumentServices(collections=club))
    talk.chat.begin(Conversation("c", options=ChatOptions(collections=("Club",))))
    return talk, club


def test_passages_are_found_before_the_answer_and_stand_in_it(begin: Begin) -> None:
    talk, club = searching(begin)
    answer = talk.ask("May dogs come in?")
    assert club.asked == [(("Club",), "May dogs come in?")]
    first, second = passages(answer)
    assert (first.number, first.name, first.page, first.collection) == (1, "rules.pdf", 4, "Club")
    assert second.number == 2
    assert talk.phases() == ["waiting", "searching", "reading", "writing"]
    assert passages(talk.told(AnswerReplaced)[0].message) == [first, second], "they can be seen before the answer"
    prompt = talk.fake.requests[0].messages[-1].text
    assert 'number="1" source="rules.pdf, page 4">\nDogs stay outside.' in prompt
    talk.settled()
    assert talk.store.branch("c")[1] == answer

    talk.ask("And in the garden?")
    assert club.asked[1:] == [
        (("Club",), "And in the garden?"),
        (("Club",), "May dogs come in?\nAnd in the garden?"),
    ], "a question that follows up is searched with the one before it"
    assert len(talk.fake.requests[1].messages) == 3
    assert "Dogs stay" not in talk.fake.requests[1].messages[-1].text, "what the model has is not given again"


def test_an_answer_made_again_reads_the_same_and_another_one_searches_anew(begin: Begin) -> None:
    talk, club = searching(begin)
    answer = talk.ask("May dogs come in?")
    club.found = (found_passage("Cats may come in.", page=9),)
    talk.chat.branches.run_again(answer)
    again = talk.until_told(AnswerFinished, 2).message
    assert passages(again) == passages(answer)
    assert talk.fake.requests[1].messages == talk.fake.requests[0].messages
    talk.chat.regenerate(answer.id)
    assert [part.page for part in passages(talk.until_told(AnswerFinished, 3).message)] == [9]

    club.found = ()
    without = talk.ask("Who sings?")
    club.found = FOUND
    talk.chat.branches.run_again(without)
    assert not passages(talk.until_told(AnswerFinished, 5).message), "none were found for it then"


def test_an_answer_without_its_documents_is_not_given(begin: Begin) -> None:
    talk, club = searching(begin, NotFoundError("There is no collection Club.", "", "Take it off this chat."))
    answer = talk.ask("May dogs come in?")
    assert answer.status == "failed"
    assert "There is no collection Club." in answer.error
    assert not talk.fake.requests, "the model is not asked"
    club.found = FOUND
    talk.chat.regenerate(answer.id)
    assert passages(talk.until_told(AnswerFinished, 2).message)


def test_a_search_can_be_stopped(begin: Begin) -> None:
    talk, club = searching(begin)
    waits = threading.Event()
    search = club.search

    def slow(names: Sequence[str], text: str, limit: int) -> Sequence[FoundPassage]:
        waits.wait(20)
        return search(names, text, limit)

    club.search = slow  # type: ignore[method-assign]
    talk.chat.send("May dogs come in?")
    talk.until(lambda: AnswerPhase in map(type, talk.events) and "searching" in talk.phases())
    talk.chat.stop()
    assert talk.until_told(AnswerFinished).message.status == "stopped"
    waits.set()
    assert talk.ask("Still there?").status == "complete"
    assert len(talk.fake.requests) == 1


def test_a_chat_in_a_folder_searches_what_the_folder_does(begin: Begin) -> None:
    talk, club = searching(begin)
    FolderStore(talk.store.database).create(Folder("f", "F", options=ChatOptions(collections=("House",))))
    talk.chat.begin(Conversation("d", folder_id="f"))
    talk.ask("Who clears the snow?")
    talk.chat.begin(Conversation("e", folder_id="f", options=ChatOptions(collections=("Club",))))
    talk.ask("Who clears the snow?")
    talk.chat.send("Who?", overrides=AnswerOverrides(collections=("Other",)))
    talk.until_told(AnswerFinished, 3)
    assert [names for names, _ in club.asked][:3] == [("House",), ("Club",), ("Other",)]


@pytest.mark.parametrize(
    ("earlier", "question", "both"),
    [
        ("How much is the annual fee?", "And for children?", True),
        ("How much is the annual fee?", "When is it due?", True),
        ("How much is the annual fee?", "Why?", True),
        ("Wie hoch ist der Beitrag?", "Und für Kinder?", True),
        ("Wie hoch ist der Beitrag?", "Wann wird er eingezogen und von wem?", True),
        ("How much is the annual fee?", "Which spanner fits the transport bolts of the machine?", False),
        ("Wie hoch ist der Beitrag?", "Welche Gebühr kostet der Reisepass im Bürgerbüro?", False),
    ],
)
def test_what_follows_up_is_searched_with_what_it_follows(earlier: str, question: str, both: bool) -> None:
    path = [Message(str(at), "c", None, "user", (TextPart(text),)) for at, text in enumerate((earlier, question))]
    assert follows_up(question) is both
    assert [text for text, _ in search_queries(path)] == [question, f"{earlier}\n{question}"][: 1 + both]


@pytest.mark.parametrize(
    ("text", "per_token"),
    [
        ("def read(self, at): return self._pages[at - 1].text if at <= len(self) else ''\n", 1.5),
        ("48,213.50; 9,077 (1,204) 77-3341 ", 1.0),
    ],
)
def test_passages_fit_where_the_vocabulary_suits_them_badly(text: str, per_token: float) -> None:
    """So many characters a token has the built-in model, whose vocabulary is small and English."""
    found = [PassagePart(0, "a.pdf", page, (text * 40)[:900], "a" * 64) for page in range(1, 9)]
    path = (Message("q", "c", None, "user", (TextPart("Why?"),)),)
    known = document_context(path, "", 1536)
    chosen = chosen_passages(found, known, passage_room(path, known, 2048, None))
    assert 0 < sum(len(part.text) for part in chosen) / per_token <= 1536
