"""What a person unfolded in a conversation, and where they read in it, is found again when it is shown anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.citations import Citation
from desktop.conversation import (
    AttachedFilePart,
    Message,
    PassagePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.message_view import MessageActions, Unfolded
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.button import Button
from desktop.ui.theme.theme import Theme
from desktop.ui.window.view_file import ReadingPlaces, ViewFile

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SHA = "a" * 64
OpenTranscript = Callable[[], Transcript]
PASSAGES = [PassagePart(number, "gates.pdf", number, f"Passage {number} says so.", SHA) for number in range(1, 8)]


def _calls(count: int) -> list[ToolCallPart | ToolResultPart]:
    """Calls of as many tools, each with its result."""
    calls = [ToolCallPart(f"call {n}", f"tool{n}", "{}", "files", f"tool{n}") for n in range(count)]
    results = [ToolResultPart(f"call {n}", f"tool{n}", (TextPart("ok"),), False, "done", "chat") for n in range(count)]
    return [*calls, *results]


FILES = [AttachedFilePart(f"file{number}.txt", "text/plain", SHA, SHA, 1, 1, False) for number in range(9)]
MESSAGES = (
    Message("question", "c", None, "user", (*FILES, TextPart("A long question.\n" * 400))),
    Message("thought", "c", "question", "assistant", (ThinkingPart("Hm.", 4.0), TextPart("Words. " * 5_000))),
    Message(
        "called",
        "c",
        "thought",
        "assistant",
        (ThinkingPart("Once.", 1.0), *_calls(20), ThinkingPart("Twice.", 2.0), TextPart("Done.")),
    ),
    Message("cited", "c", "called", "assistant", (*PASSAGES, TextPart("So it is [1][2][3][4][5][6]."))),
)


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def _find(said: str, passages: object, found: object) -> None:
    places = [(number, said.index(f"[{number}]")) for number in range(1, 7)] if "[1]" in said else []
    found([Citation(n, at, at + 3, PASSAGES[n - 1], "supported", ((0, 7),)) for n, at in places])  # type: ignore[operator]


@pytest.fixture
def open_transcript(theme: Theme, qtbot: QtBot) -> OpenTranscript:
    def opened() -> Transcript:
        documents = MessageDocuments()
        documents.citations_wanted.connect(_find)
        made = Transcript(theme, MessageActions(*(lambda *_: None,) * 3, documents=documents))
        documents.setParent(made)
        qtbot.addWidget(made)
        made.resize(1000, 600)
        made.show()
        QApplication.processEvents()
        return made

    return opened


def _press(inside: QWidget, name: str) -> None:
    (button,) = [each for each in inside.findChildren(Button) if each.accessibleName() == name and not each.isHidden()]
    button.click()


def _names(inside: QWidget) -> set[str]:
    return {each.accessibleName() for each in inside.findChildren(Button) if not each.isHidden()}


def test_each_thing_that_a_person_unfolds_is_unfolded_when_it_is_shown_again(
    open_transcript: OpenTranscript, qtbot: QtBot
) -> None:
    first = open_transcript()
    changes: list[int] = []
    first.place_changed.connect(lambda: changes.append(1))
    first.show_messages(MESSAGES, {}, 0, {})
    assert first.unfolded() == {}
    qtbot.waitUntil(lambda: len(first.views) == len(MESSAGES))
    question, thought, called, cited = first.views
    qtbot.waitUntil(lambda: "Show all 35,000 characters" in _names(thought))
    steps = (
        (question, "Show all", "text", "Show less"),
        (question, "3 more files", "files", ""),
        (thought, "Thought for 4 s, folded", "0.thinking", "Thought for 4 s, unfolded"),
        (thought, "Show all 35,000 characters", "0.text", ""),
        (called, "Thought for 2 s, folded", "1.thinking", "Thought for 2 s, unfolded"),
        (called, "Show more: 8 earlier calls", "0.earlier", ""),
        (
            called,
            "files · tool3 · 1 call · allowed for this chat, folded",
            "0.call3",
            "files · tool3 · 1 call · allowed for this chat, unfolded",
        ),
        (
            called,
            "files · tool15 · 1 call · allowed for this chat, folded",
            "0.call15",
            "files · tool15 · 1 call · allowed for this chat, unfolded",
        ),
        (cited, "Show all 6 sources", "sources", ""),
        (cited, "1 passage was given and is not cited", "given", "Hide what is not cited"),
    )
    for view, name, kept, _ in steps:
        before = len(changes)
        _press(view, next(each for each in _names(view) if each.startswith(name)))
        key = view.message.id
        qtbot.waitUntil(partial(_holds, first, key, kept))
        assert len(changes) > before, f"{name}: it is not saved"
    unfolded = first.unfolded()
    again = open_transcript()
    again.show_messages(MESSAGES, {}, 0, unfolded)
    qtbot.waitUntil(lambda: len(again.views) == len(MESSAGES))
    for view, name, _, becomes in steps:
        (shown,) = [each for each in again.views if each.message.id == view.message.id]
        assert not any(each.startswith(name) for each in _names(shown) if not becomes), name
        assert not becomes or any(each.startswith(becomes) for each in _names(shown)), name
    assert {key: sorted(names) for key, names in again.unfolded().items()} == {
        k: sorted(v) for k, v in unfolded.items()
    }
    _press(again.views[1], "Thought for 4 s, unfolded")
    assert again.unfolded()["thought"] == ("0.text",)
    again.show_messages((Message("other", "d", None, "user", (TextPart("Hello"),)),), {}, 0, {})
    assert again.unfolded() == {}


def test_it_stays_so_in_turns_that_are_built_anew_and_what_is_not_there_is_left_out(
    open_transcript: OpenTranscript,
) -> None:
    transcript = open_transcript()
    nonsense: Unfolded = {
        "thought": ("0.thinking", "7.thinking", "", ".", "0.", "0.call99999", "-1.text", "x" * 40),
        "question": ("thinking",),
        "nobody": ("text",),
    }
    many = tuple(
        Message(str(n), "c", str(n - 1) if n else "cited", "user" if n % 2 == 0 else "assistant", (TextPart("word"),))
        for n in range(400)
    )
    transcript.show_messages((*MESSAGES, *many), {}, 0, nonsense)
    for _ in range(2):
        transcript.show_message("thought")
        (view,) = [each for each in transcript.views if each.message.id == "thought"]
        assert "Thought for 4 s, unfolded" in _names(view)
        transcript.jump_to_end()
        assert view not in transcript.views


def _holds(transcript: Transcript, message_id: str, name: str) -> bool:
    return name in transcript.unfolded().get(message_id, ())


def _arrived(transcript: Transcript) -> bool:
    return transcript._place_wanted is None


def _seen(transcript: Transcript) -> tuple[str, int] | None:
    return transcript.place_seen()


def test_a_place_is_gone_to_however_far_up_and_though_the_text_is_still_being_drawn(
    open_transcript: OpenTranscript,
    qtbot: QtBot,
) -> None:
    long = "\n\n".join(f"Paragraph {number}: {'words ' * 20}" for number in range(170))
    messages = tuple(
        Message(str(n), "c", None, "user" if n % 2 == 0 else "assistant", (TextPart(long if n == 1001 else "word"),))
        for n in range(3000)
    )
    for place in (("40", 0), ("1001", 4000)):
        transcript = open_transcript()
        transcript.show_messages(messages, {}, 0, {})
        transcript.show_place(*place)
        assert transcript.place_seen() == place, "what is saved meanwhile is the place that is wanted"
        qtbot.waitUntil(partial(_arrived, transcript))
        assert transcript.place_seen() == place
        assert len(transcript.views) < 100
        transcript.jump_to_end()
        assert transcript.views[-1].message.id == "2999"


def test_where_a_person_scrolls_meanwhile_they_are_left_alone(open_transcript: OpenTranscript, qtbot: QtBot) -> None:
    long = Message("long", "c", None, "assistant", (TextPart("\n\n".join(["words " * 20] * 180)),))
    after = Message("after", "c", "long", "user", (TextPart("word " * 3000),))
    transcript = open_transcript()
    transcript.show_messages((long, after), {}, 0, {})
    transcript.show_place("long", 4000)
    transcript.verticalScrollBar().setValue(100)
    assert _seen(transcript) == ("long", 100 - transcript._tops[0])
    qtbot.waitUntil(lambda: transcript.views[0].content.is_drawn)  # type: ignore[attr-defined]
    assert _seen(transcript) == ("long", 100 - transcript._tops[0])


# --- the file ----------------------------------------------------------------------------------------------------


def test_the_file_stays_small_and_keeps_what_was_noted_last(tmp_path: Path) -> None:
    file = ViewFile(tmp_path / "view.json")
    for number in range(10_000):
        file.places.note(
            f"{number:036}", (f"m{number:035}", 7), {f"{message:036}": ("0.thinking", "0.text") for message in range(3)}
        )
    file.places.note("all unfolded", None, {f"{number:036}": ("0.thinking",) for number in range(5_000)})
    file.note_first("chat", "models")
    file.save()
    assert (tmp_path / "view.json").stat().st_size < 150_000
    again = ViewFile(tmp_path / "view.json")
    assert (again.chat, again.page) == ("chat", "models")
    kept = again.places.unfolded("all unfolded")
    assert len(kept) == 1000
    assert f"{4_999:036}" in kept
    assert again.places.place(f"{9_999:036}") == (f"m{9_999:035}", 7)
    assert again.places.place(f"{9_000:036}") is None
    again.places.note("all unfolded", None, {})
    again.places.forget({f"{9_999:036}"})
    again.save()
    last = ViewFile(tmp_path / "view.json").places
    assert (last.unfolded("all unfolded"), last.place(f"{9_999:036}")) == ({}, None)


@pytest.mark.parametrize(
    "unfolded",
    ["3", "[]", '{"c": 3}', '{"c": {"m": 3}}', '{"c": {"m": [3]}}', '{"c": {"m": ["%s"]}}' % ("x" * 41)],
)
def test_a_file_that_was_tampered_with_is_none_and_one_of_an_earlier_version_is_read(
    tmp_path: Path, unfolded: str
) -> None:
    path = tmp_path / "view.json"
    path.write_text('{"chat": "c", "page": "", "places": {"c": ["m", 99999999999999999999]}}')
    assert ViewFile(path).places.place("c") is None, "Qt takes no such number"
    body = '{"version": 1, "chat": "c", "page": "", "later": 1, "places": {"c": ["m", 3]}'
    path.write_text(f'{body}, "unfolded": {unfolded}}}')
    broken = ViewFile(path)
    assert (broken.chat, broken.places.place("c"), broken.places.unfolded("c")) == ("", None, {})
    path.write_text(body + "}")
    earlier = ViewFile(path)
    assert (earlier.chat, earlier.places.place("c"), earlier.places.unfolded("c")) == ("c", ("m", 3), {})
    earlier.save()
    assert json.loads(path.read_text())["later"] == 1


def test_places_hold_no_word_of_a_conversation() -> None:
    places = ReadingPlaces()
    places.note("c", ("m", 1), {"m": ("0.thinking",)})
    assert json.loads(json.dumps(places.values())) == {
        "places": {"c": ["m", 1]},
        "unfolded": {"c": {"m": ["0.thinking"]}},
    }


def test_what_is_read_stays_at_the_upper_edge_in_another_width_and_in_larger_text(
    open_transcript: OpenTranscript, theme: Theme
) -> None:
    texts = ("word " * 900, "word " * 2000, "word " * 900)
    messages = [Message(str(n), "c", None, "assistant", (TextPart(text),)) for n, text in enumerate(texts)]
    transcript = open_transcript()
    transcript.show_messages(tuple(messages), {}, 0, {})
    view = transcript.views[1]
    view.content.draw_now()  # type: ignore[attr-defined]
    transcript.verticalScrollBar().setValue(transcript._tops[1] + view.height() // 2)
    changes = (
        lambda: transcript.resize(500, 600),
        lambda: transcript.resize(1200, 700),
        lambda: theme.choose("light", 1.5),
        lambda: theme.choose("light", 1.0),
    )
    for change in changes:
        before = view.height()
        change()
        QApplication.processEvents()
        place = transcript.place_seen()
        assert place is not None
        assert view.height() != before
        assert (place[0], round(place[1] / view.height(), 1)) == ("1", 0.5)
