"""Pictures in a conversation: decoded for a model that sees, each once, and told to one that does not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from desktop.chat.chat_events import AnswerFinished
from desktop.chat.document_services import DocumentServices
from desktop.chat.message_pictures import USUAL_SIDE, MessagePictures, ShownPicture, side_for
from desktop.conversation import ChatMessage, ImagePart, Message, MessagePart, TextPart, ToolResultPart
from desktop.engine.request_images import LARGEST_IMAGES, PictureCost
from desktop.errors import UnreadableFileError, UserError
from desktop.storage.attachment_store import AttachmentStore
from tests.fakes.talk import SomeModel, Talk

ONE, OTHER, BROKEN = b"\x89PNG\r\n\x1a\n one", b"\x89PNG\r\n\x1a\n other", b"\x89PNG\r\n\x1a\n broken"


@dataclass(frozen=True)
class Decoded:
    width: int
    height: int
    rgb: bytes


@dataclass
class PlainPictures:
    """Decodes each picture to one pixel, but for one that is broken."""

    asked: list[tuple[bytes, int]] = field(default_factory=list)

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool]
    ) -> Decoded:
        self.asked.append((data, longest_side))
        if data == BROKEN:
            raise UnreadableFileError("This picture is damaged.")
        return Decoded(1, 1, data[-3:])


def said(*parts: MessagePart, role: str = "user") -> Message:
    return Message("m", "c", None, role, parts)  # type: ignore[arg-type]


def test_the_pictures_of_a_branch_are_read_each_once(home: Path) -> None:
    store, reader = AttachmentStore(home / "kept"), PlainPictures()
    one, other, broken = (ImagePart(store.add(data), "image/png") for data in (ONE, OTHER, BROKEN))
    pictures = MessagePictures(store, reader)
    path = [said(one, broken), said(TextPart("Fine."), role="assistant"), said(one, TextPart("And this?"), other)]
    found = pictures.read(path, lambda: False)
    assert [(each.sha256, each.rgb) for each in found] == [(one.sha256, b"one"), (other.sha256, b"her")]
    assert {side for _, side in reader.asked} == {USUAL_SIDE}
    before = len(reader.asked)
    assert pictures.read(path, lambda: False) == found
    assert len(reader.asked) == before + 1, "what was decoded is decoded once more"
    with pytest.raises(UnreadableFileError):
        pictures.read([*path, said(broken)], lambda: False)
    gone = ImagePart("0" * 64, "image/png")
    assert pictures.read([said(gone), said(TextPart("?"))], lambda: False) == ()
    given = said(ToolResultPart("1", "look", (other,)))
    assert [each.sha256 for each in pictures.read([given], lambda: False)] == [other.sha256]
    assert pictures.shown(one, PictureCost(16, 16)).tokens == 16
    assert pictures.shown(one, None).tokens is None
    with pytest.raises(UserError, match="cannot be read here"):
        MessagePictures(store, None).read([said(one)], lambda: False)


def test_many_pictures_are_made_smaller_so_that_they_fit_into_one_message() -> None:
    for count in (1, 4, 5, 40, 400):
        side = side_for(count)
        assert 64 <= side <= USUAL_SIDE
        assert count * 3 * side * side <= LARGEST_IMAGES
    assert side_for(1) == side_for(4) == USUAL_SIDE > side_for(5)


@pytest.fixture
def talk(begin: Callable[..., Talk]) -> Callable[..., Talk]:
    """A chat with a model that sees, or with `sees` False one that does not."""

    def make(*, sees: bool) -> Talk:
        projector = Path("mmproj.gguf") if sees else None
        reader = PlainPictures()
        return begin(model=SomeModel(projector_path=projector), documents=DocumentServices(pictures=reader))

    return make


def ask_about(talk: Talk, data: bytes, text: str) -> Message:
    key = talk.chat.current_id or ""
    talk.chat.attachments.add_bytes(key, data, "picture.png")
    talk.until(lambda: not talk.chat.attachments.is_reading(key))
    return talk.ask(text)


def images(message: ChatMessage) -> list[str]:
    return [part.sha256 for part in message.parts if isinstance(part, ImagePart)]


def test_a_model_that_sees_is_given_the_pictures_of_all_turns(talk: Callable[..., Talk]) -> None:
    seeing = talk(sees=True)
    ask_about(seeing, ONE, "What is this?")
    ask_about(seeing, OTHER, "And this?")
    first, second = seeing.fake.requests
    assert [each.rgb for each in first.images] == [b"one"]
    assert [each.rgb for each in second.images] == [b"one", b"her"]
    named = [images(message) for message in second.messages if message.role == "user"]
    assert named == [[second.images[0].sha256], [second.images[1].sha256]]
    shown: list[ShownPicture] = []
    errors: list[UserError] = []
    seeing.chat.shown_picture(ImagePart(second.images[0].sha256, "image/png"), shown.append, errors.append)
    seeing.until(lambda: bool(shown or errors))
    assert [each.image.rgb for each in shown] == [b"one"], errors
    failed = ask_about(seeing, BROKEN, "And this?")
    assert failed.status == "failed"
    assert "damaged" in failed.error
    after = seeing.ask("Never mind.")
    assert after.status == "complete"
    assert "which you cannot see" in "".join(message.text for message in seeing.fake.requests[-1].messages)


def test_a_model_that_does_not_see_is_told_of_pictures_alone(talk: Callable[..., Talk]) -> None:
    blind = talk(sees=False)
    ask_about(blind, ONE, "What is this?")
    blind.ask("And now?")
    request = blind.fake.requests[-1]
    assert request.images == ()
    assert not any(images(message) for message in request.messages)
    assert "which you cannot see" in request.messages[0].text
    assert blind.told(AnswerFinished)
