"""Files attached to a message: read beside everything else, sent with it, kept with it and with nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.chat.attached_file_reader import AttachedFileReader, GivenFile
from desktop.chat.attachment_drafts import AttachmentDrafts
from desktop.chat.chat_events import (
    AnswerFinished,
    AttachmentsChanged,
    ChatEvent,
    ChatFailed,
    EngineChanged,
    QueueChanged,
)
from desktop.chat.document_services import DocumentServices
from desktop.chat.message_attachments import MOST_ATTACHMENTS, queued_key
from desktop.chat.temporary_chat import TemporaryChat
from desktop.conversation import AttachedFilePart, Conversation, ImagePart, Message, PassagePart
from desktop.documents.document_reader import DocumentReader
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import UnreadableFileError
from desktop.storage.folder_store import FolderStore
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.plain_documents import PlainDocuments
from tests.fakes.talk import Talk

Begin = Callable[..., Talk]
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 40
FEES = "The annual fee is 40 euros.\n\nIt is due in March.\fGuests pay 5 euros a day."
BOOK = "\f".join(f"Page {at} tells of chapter {at}. " + "Nothing happens in it. " * 40 for at in range(1, 60))


@pytest.fixture
def reader() -> PlainDocuments:
    return PlainDocuments()


@pytest.fixture
def talk(begin: Begin, home: Path, reader: PlainDocuments) -> Talk:
    return begin(documents=DocumentServices(reader, drafts=home / "drafts"))


def written(home: Path, name: str, text: str | bytes) -> Path:
    path = home / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_pipe_is_told_and_not_waited_for(home: Path) -> None:
    os.mkfifo(home / "pipe")
    reader = AttachedFileReader(DocumentReader(home / "logs"), AttachmentDrafts(None))
    given = GivenFile("1", "pipe", home / "pipe")
    with pytest.raises(UnreadableFileError, match="is no file but"):
        reader.read(given, is_cancelled=lambda: False, on_size=lambda size: None, on_progress=lambda done, pages: None)


def attach(talk: Talk, *paths: Path) -> str:
    """Attach files in the conversation that is open, and wait until they are read; its id."""
    key = talk.chat.current_id or ""
    talk.chat.attachments.add_files(key, paths)
    talk.until(lambda: not talk.chat.attachments.is_reading(key))
    return key


def asked(message: Message) -> tuple[list[AttachedFilePart | ImagePart], list[int]]:
    """The files of a message, and the numbers of its passages."""
    files = [part for part in message.parts if isinstance(part, AttachedFilePart | ImagePart)]
    return files, [part.number for part in message.parts if isinstance(part, PassagePart)]


def kept(talk: Talk) -> set[str]:
    return set(talk.attachments.ids())


def test_a_small_file_is_given_whole_and_goes_with_its_message(talk: Talk, home: Path) -> None:
    key = attach(talk, written(home, "fees.txt", FEES), written(home, "logo.png", PNG))
    fees, logo = talk.chat.attachments.items(key)
    assert (fees.kind, fees.state, fees.pages, fees.whole, fees.size) == ("document", "ready", 2, True, len(FEES))
    assert fees.tokens
    assert 10 < fees.tokens < 30
    assert (logo.kind, logo.state, logo.tokens) == ("image", "ready", None)
    assert kept(talk) == set(), "nothing is kept before the message is sent"

    talk.ask("What is the fee?")
    question = talk.store.branch(key)[0]
    files, numbers = asked(question)
    assert [file.name for file in files] == ["fees.txt", "logo.png"]
    assert numbers == [1, 2]
    assert kept(talk) == {file.sha256 for file in files}
    assert talk.chat.attachments.items(key) == ()
    assert talk.told(AttachmentsChanged)[-1] == AttachmentsChanged(key, (), key)
    prompt = talk.fake.requests[0].messages[-1].text
    assert "The annual fee is 40 euros." in prompt
    assert 'number="2" source="fees.txt, page 2"' in prompt
    assert prompt.endswith("What is the fee?")
    talk.settled()
    assert not list((home / "drafts").glob("??/*")), "nothing of it is kept aside any more"

    talk.now += 1
    talk.chat.edit(question.id, "And for guests?")
    talk.until_told(AnswerFinished, 2)
    again = talk.store.branch(key)[0]
    assert again.id != question.id
    assert asked(again) == (files, [1, 2]), "an edited question keeps its files"
    talk.chat.edit(again.id, "Without it?", left_out=[files[0].sha256])
    talk.until_told(AnswerFinished, 3)
    assert asked(talk.store.branch(key)[0]) == (files[1:], [])
    assert [head.id for head in talk.listed("fees.txt")] == [key], "a chat is found by the names of its files"

    talk.chat.order.delete([key])
    talk.chat.order.erase([key])
    talk.until(lambda: not kept(talk))


def test_numbers_go_on_and_a_file_that_was_given_is_searched_once_it_is_left_out(begin: Begin, home: Path) -> None:
    def answers(request: GenerateRequest) -> FakeAnswer:
        dropped = 2 if "still" in request.messages[-1].text or request.dropped_messages else 0
        return FakeAnswer("It is 40 euros [1].", dropped_messages=dropped)

    talk = begin(answers, documents=DocumentServices(PlainDocuments()))
    key = attach(talk, written(home, "fees.txt", FEES))
    talk.ask("What is the fee?")
    attach(talk, written(home, "rules.txt", "Dogs stay outside."))
    talk.ask("And dogs?")
    assert asked(talk.store.branch(key)[2])[1] == [3]
    assert asked(talk.ask("Do you still know?"))[1] == [], "it was before the model when that was asked"
    found = [part for part in talk.ask("How much is the annual fee?").parts if isinstance(part, PassagePart)]
    assert [part.number for part in found] == [1, 2], "under the numbers that they had"
    assert "40 euros" in found[0].text


def test_a_large_file_is_read_in_passages_found_for_each_question(talk: Talk, home: Path) -> None:
    key = attach(talk, written(home, "book.txt", BOOK))
    (book,) = talk.chat.attachments.items(key)
    assert not book.whole
    assert book.pages == 59
    answer = talk.ask("What does chapter 17 tell?")
    question = talk.store.branch(key)[0]
    assert asked(question)[1] == [], "none stands in the question"
    found = [part for part in answer.parts if isinstance(part, PassagePart)]
    assert found
    assert found[0].number == 1
    assert 17 in [part.page for part in found]
    assert "searching" in talk.phases()
    prompt = talk.fake.requests[0].messages[-1].text
    assert "Page 17 tells" in prompt
    assert prompt.endswith("What does chapter 17 tell?")
    assert "You attached" not in prompt
    assert "book.txt" in prompt

    again = talk.ask("What does chapter 17 tell?")
    told_twice = {part.number for part in found} & {p.number for p in again.parts if isinstance(p, PassagePart)}
    assert not told_twice, "what is before the model is not given again"
    first, _, second = (each for each in talk.fake.requests[1].messages if each.role != "system")
    assert first.text == prompt, "what was read before can be found in the prompt cache"
    assert "Page 17 tells" not in second.text

    talk.chat.regenerate(answer.id)
    other = talk.until_told(AnswerFinished, 3).message
    assert [p for p in other.parts if isinstance(p, PassagePart)] == found, "another answer finds its own, from 1 on"


def test_what_is_written_meanwhile_takes_its_files_along(begin: Begin, home: Path) -> None:
    talk = begin(
        [FakeAnswer("word " * 200, tokens_per_s=100), FakeAnswer("second")],
        documents=DocumentServices(PlainDocuments()),
    )
    talk.chat.send("slow")
    talk.until_said("word")
    key = attach(talk, written(home, "fees.txt", FEES))
    talk.chat.queue.add(key, "What is the fee?")
    waiting = talk.told(QueueChanged)[-1].messages[0]
    assert talk.chat.attachments.items(key) == ()
    assert [item.name for item in talk.chat.attachments.items(queued_key(key, waiting.id))] == ["fees.txt"]
    talk.until_told(AnswerFinished, 2)
    question = talk.store.branch(key)[2]
    assert question.id == waiting.id
    assert asked(question)[1] == [1, 2]


def test_a_message_waits_for_its_files_and_is_given_back_with_them(
    talk: Talk, home: Path, reader: PlainDocuments
) -> None:
    key = talk.chat.current_id or ""
    reader.held.clear()
    talk.chat.attachments.add_files(key, [written(home, "fees.txt", FEES)])
    talk.chat.send("What is the fee?")
    talk.settled()
    assert talk.store.find_conversation(key) is None, "it is not sent without its file"
    reader.held.set()
    talk.until_told(AnswerFinished)
    assert asked(talk.store.branch(key)[0])[1] == [1, 2]

    attach(talk, written(home, "bad.txt", "%broken"), home / "gone.txt", home)
    assert [item.state for item in talk.chat.attachments.items(key)] == ["failed"] * 3
    talk.chat.send("And this?")
    failed = talk.until_told(ChatFailed)
    assert failed.text == "And this?"
    assert "bad.txt" in failed.error.title
    assert len(talk.chat.attachments.items(key)) == 3, "they stay, until the person takes them away"
    for item in talk.chat.attachments.items(key):
        talk.chat.attachments.remove(key, item.id)
    assert talk.ask("And this?").status == "complete"


def test_a_message_that_waits_for_its_files_keeps_them_where_a_new_chat_is_begun(
    talk: Talk, home: Path, reader: PlainDocuments
) -> None:
    files, key = talk.chat.attachments, talk.chat.current_id or ""
    reader.held.clear()
    files.add_files(key, [written(home, "fees.txt", FEES)])
    talk.chat.send("What is the fee?")
    talk.chat.new()
    reader.held.set()
    talk.until_told(AnswerFinished)
    assert asked(talk.store.branch(key)[0])[1] == [1, 2]
    assert not files.items(talk.chat.current_id or "")

    key = talk.chat.current_id or ""
    reader.held.clear()
    files.add_files(key, [written(home, "bad.txt", "%broken")])
    talk.chat.send("And this?")
    talk.chat.new()
    reader.held.set()
    assert talk.until_told(ChatFailed).text == "And this?"
    assert [item.name for item in files.items(talk.chat.current_id or "")] == ["bad.txt"], "where its text is, too"


def test_drafts_keep_their_files_over_a_restart_and_a_new_chat(begin: Begin, home: Path) -> None:
    services = DocumentServices(PlainDocuments(), drafts=home / "drafts")
    talk = begin(documents=services)
    first = attach(talk, written(home, "fees.txt", FEES), written(home, "more.txt", "More."))
    talk.chat.new()
    key = talk.chat.current_id or ""
    assert key != first
    assert [item.name for item in talk.chat.attachments.items(key)] == ["fees.txt", "more.txt"]
    talk.chat.attachments.remove(key, talk.chat.attachments.items(key)[1].id)
    talk.settled()
    talk.close()

    later = begin(documents=services)
    later.chat.start()
    now = later.chat.current_id or ""
    later.until(lambda: bool(later.chat.attachments.items(now)))
    (item,) = later.chat.attachments.items(now)
    assert (item.name, item.state, item.pages) == ("fees.txt", "ready", 2)
    later.ask("What is the fee?")
    assert asked(later.store.branch(now)[0])[1] == [1, 2]
    if os.name == "posix":
        assert (home / "drafts").stat().st_mode & 0o077 == 0


def test_too_many_and_the_same_again(talk: Talk, home: Path) -> None:
    paths = [written(home, f"{at}.txt", f"File {at}.") for at in range(MOST_ATTACHMENTS + 2)]
    key = attach(talk, paths[0], paths[0])
    assert len(talk.chat.attachments.items(key)) == 1, "the same file counts once"
    attach(talk, *paths[1:])
    assert len(talk.chat.attachments.items(key)) == MOST_ATTACHMENTS
    assert str(MOST_ATTACHMENTS) in talk.until_told(ChatFailed).error.title


def test_what_was_taken_away_comes_back_with_what_was_read_of_it(talk: Talk, home: Path) -> None:
    key = attach(talk, *(written(home, name, f"This is {name}.") for name in ("a.txt", "b.txt")))
    files, first = talk.chat.attachments, talk.chat.attachments.items(key)[0]
    bring_back = files.remove(key, first.id)
    talk.settled()
    assert [item.name for item in files.items(key)] == ["b.txt"]
    bring_back()
    bring_back()
    assert [item.name for item in files.items(key)] == ["a.txt", "b.txt"]
    seen: list[str] = []
    files.read_content(
        key, first.id, lambda content: seen.append(content.pages[0].text), lambda error: pytest.fail(str(error))
    )
    talk.until(lambda: bool(seen))
    assert seen == ["This is a.txt."]
    files.remove(key, *(item.id for item in files.items(key)))
    files.discard(lambda each: each == key)
    talk.settled()
    assert not list((home / "drafts").glob("??/*")), "nothing is kept of a chat that is erased"


def test_a_temporary_chat_keeps_files_in_memory_until_it_is_kept(talk: Talk, home: Path) -> None:
    events: list[ChatEvent] = []
    chat = TemporaryChat(
        leader=talk.chat._shared,
        engine=talk.engine,
        background=talk.background,
        settings=lambda: talk.settings,
        listener=events.append,
    )
    chat.session.new()
    key = chat.session.current_id or ""
    chat.session.attachments.add_files(key, [written(home, "fees.txt", FEES)])
    chat.session.send("What is the fee?")
    talk.until(lambda: any(isinstance(event, AnswerFinished) for event in events))
    chat.session.attachments.add_files(key, [written(home, "more.txt", "More.")])
    talk.until(lambda: not chat.session.attachments.is_reading(key))
    talk.settled()
    assert kept(talk) == set()
    assert not (home / "drafts").exists()

    heads: list[Conversation] = []
    chat.keep(heads.append, lambda error: pytest.fail(str(error)))
    talk.until(lambda: bool(heads) and bool(talk.chat.attachments.items(key)))
    files, numbers = asked(talk.store.branch(key)[0])
    assert numbers == [1, 2]
    assert kept(talk) == {file.sha256 for file in files}
    assert [item.name for item in talk.chat.attachments.items(key)] == ["more.txt"], "with what was not sent yet"


def test_a_fork_and_a_deleted_branch_keep_what_they_name(talk: Talk, home: Path) -> None:
    key = attach(talk, written(home, "book.txt", BOOK))
    answer = talk.ask("What does chapter 17 tell?")
    files, _ = asked(talk.store.branch(key)[0])
    talk.chat.branches.fork(answer)
    talk.until(lambda: len(talk.listed()) == 2)
    fork = next(head.id for head in talk.listed() if head.id != key)
    talk.chat.order.delete([key])
    talk.chat.order.erase([key])
    talk.settled()
    assert kept(talk) == {file.sha256 for file in files}, "the fork names it"
    talk.ask("And chapter 18?", fork)
    assert "Page 18 tells" in talk.fake.requests[-1].messages[-1].text


def test_a_file_that_was_given_whole_is_searched_by_a_model_that_cannot_hold_it(begin: Begin, home: Path) -> None:
    talk = begin(documents=DocumentServices(PlainDocuments()), context_length=16_000)
    talk.until(lambda: any(event.state == "ready" for event in talk.told(EngineChanged)))
    key = attach(talk, written(home, "book.txt", BOOK[:16_000]))
    answer = talk.ask("What does chapter 9 tell?")
    _, numbers = asked(talk.store.branch(key)[0])
    assert len(numbers) > 10
    talk.settled()
    talk.close()

    small = begin(context_length=2048)
    small.opened(key)
    small.chat.regenerate(answer.id)
    again = small.until_told(AnswerFinished).message
    found = [part for part in again.parts if isinstance(part, PassagePart)]
    assert 9 in [part.page for part in found]
    assert {part.number for part in found} < set(numbers), "under the numbers that they have"
    prompt = small.fake.requests[0].messages[-1].text
    assert prompt.count("<passage number") == len(found)
    assert "All of its text" not in prompt
    small.ask("And chapter 10?")
    assert small.fake.requests[1].messages[0].text == prompt, "the next turn reads the same"


def test_files_stay_where_a_message_cannot_be_sent_and_go_with_an_erased_chat(talk: Talk, home: Path) -> None:
    key = talk.chat.current_id or ""
    talk.ask("First?")
    attach(talk, written(home, "fees.txt", FEES))
    talk.settled()
    FolderStore(talk.store.database).delete_conversations([key], 5.0)
    talk.chat.send("What is the fee?")
    assert talk.until_told(ChatFailed).text == "What is the fee?"
    assert [item.state for item in talk.chat.attachments.items(key)] == ["ready"]
    talk.chat.order.erase([key])
    talk.until(lambda: talk.chat.attachments.items(key) == ())
    talk.settled()
    assert not list((home / "drafts").glob("??/*"))


def test_a_file_of_many_tokens_is_given_whole_only_where_it_fits(talk: Talk, home: Path) -> None:
    """Numbers take a token for each character: so many do not fit, though English of this length would."""
    key = attach(
        talk, written(home, "readings.csv", "48213,5;9077\n" * 300), written(home, "notes.txt", "so it is " * 433)
    )
    readings, notes = talk.chat.attachments.items(key)
    assert (readings.whole, notes.whole) == (False, True)
