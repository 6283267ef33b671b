"""A second window: of one process and one database; what is written in one appears in the other."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from desktop.chat.chat_events import ChatFailed
from desktop.errors import UserError
from desktop.ui.system.tray_icon import TrayIcon
from desktop.ui.window.main_window import MainWindow
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver


class OtherWindow(Driver):
    """A window beside the one of `driver`, opened as a person does."""

    def __init__(self, driver: Driver) -> None:
        self.home, self.qtbot, self.engine = driver.home, driver.qtbot, driver.engine
        self.application, self.first = driver.application, driver
        before = windows()
        driver.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        (self.window,) = set(windows()) - set(before)
        self.closed = False
        self.wait_ready()

    def close(self) -> None:
        if not self.closed and isValid(self.window):
            self.window.close()
            if isValid(self.window):
                self.window.deleteLater()  # where it was the last one
        self.closed = True
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def windows() -> list[MainWindow]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow)]


TwoWindows = Callable[..., tuple[Driver, OtherWindow]]


@pytest.fixture
def two_windows(open_window: Callable[..., Driver]) -> Iterator[TwoWindows]:
    """Opens two windows, with an engine that gives these answers."""
    opened: list[OtherWindow] = []

    def both(*answers: FakeAnswer) -> tuple[Driver, OtherWindow]:
        driver = open_window(FakeEngine(answers or None))
        opened.append(OtherWindow(driver))
        return driver, opened[-1]

    yield both
    for other in opened:
        other.close()


def test_what_is_asked_in_one_window_is_listed_and_answered_in_the_other(two_windows: TwoWindows) -> None:
    one, two = two_windows(FakeAnswer("The first answer."), FakeAnswer("The second answer."))
    one.ask("Who are you?")
    two.until(lambda: two.titles == ["Who are you?"])
    two.window.open_conversation(one.page.conversation_id or "")
    two.until(lambda: len(two.messages) == 2)
    assert two.messages[-1].text == "The first answer."
    two.ask("And who am I?")
    one.until(lambda: len(one.messages) == 4 and one.messages[-1].text == "The second answer.")
    assert [message.id for message in one.messages] == [message.id for message in two.messages]


def test_an_answer_streams_into_both_windows_and_either_stops_it(two_windows: TwoWindows) -> None:
    one, two = two_windows(FakeAnswer("word " * 500, tokens_per_s=50))
    one.ask("Tell me much", finish=False)
    two.window.open_conversation(one.page.conversation_id or "")
    two.until(lambda: two.page.shown_transcript is not None and "word" in two.shown_text())
    assert two.chat.is_answering()
    two.page.stop()
    one.until(lambda: not one.chat.is_answering())
    assert one.messages[-1].status == two.messages[-1].status == "stopped"


def test_another_branch_of_one_window_is_shown_in_the_other(two_windows: TwoWindows) -> None:
    one, two = two_windows(FakeAnswer("First."), FakeAnswer("Second."))
    one.ask("Hello")
    two.window.open_conversation(one.page.conversation_id or "")
    two.until(lambda: len(two.messages) == 2)
    one.page.regenerate_last()
    two.until(lambda: two.messages[-1].text == "Second.")
    one.chat.branches.show_sibling(one.messages[-1].id, -1)
    two.until(lambda: two.messages[-1].text == "First.")


def test_a_chat_deleted_in_one_window_is_left_in_the_other(two_windows: TwoWindows) -> None:
    one, two = two_windows()
    one.ask("Hello")
    two.window.open_conversation(one.page.conversation_id or "")
    two.until(lambda: len(two.messages) == 2)
    one.chat.order.delete([one.page.conversation_id or ""])
    two.until(lambda: two.page.shown_transcript is None and not two.titles)
    two.ask("Something else")
    one.until(lambda: one.titles == ["Something else"])


def test_closing_one_window_keeps_the_other_and_what_it_answers(two_windows: TwoWindows) -> None:
    one, two = two_windows(FakeAnswer("word " * 60, tokens_per_s=50), FakeAnswer("Still here."))
    one.ask("Tell me much", finish=False)
    key = one.page.conversation_id or ""
    program = one.program
    one.window.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert program.window is two.window
    assert two.program is program
    two.window.open_conversation(key)
    two.until(lambda: len(two.messages) == 2)
    two.finish()
    assert two.messages[-1].status == "complete"
    assert two.ask("Are you there?").text == "Still here."
    one.closed = True


def test_a_closed_second_window_is_freed(two_windows: TwoWindows) -> None:
    one, two = two_windows()
    for page in ("Models", "Licenses", "Network", "Settings"):
        two.click(page)
    two.window.show_page("")
    two.ask("Hello")
    references: list[Callable[[], object]] = [weakref.ref(two.window), weakref.ref(two.chat)]
    two.close()
    del two.window

    def freed() -> bool:
        gc.collect()
        return all(each() is None for each in references)

    one.until(freed)
    assert one.ask("Still here?").status == "complete"


def test_settings_and_model_hold_in_both_windows(two_windows: TwoWindows) -> None:
    one, two = two_windows()
    two.window.change_settings({"send_with_enter": False, "theme": "dark"})
    assert one.window.settings.send_with_enter is False
    assert one.window.theme.tokens.dark
    assert one.page.top_bar.model == two.page.top_bar.model is not None


def test_drafts_of_two_windows_do_not_undo_each_other(two_windows: TwoWindows) -> None:
    one, two = two_windows()
    one.ask("Hello")
    key = one.page.conversation_id or ""
    two.window.open_conversation(key)
    two.until(lambda: len(two.messages) == 2)
    one.type("half a thought")
    one.page.save_draft()
    assert two.page.composer.text == "half a thought"
    two.type(", whole now")
    two.page.save_draft()
    assert one.page.composer.text == "half a thought, whole now"
    # Typed in both before either was saved: neither is lost.
    one.page.composer.set_text("this")
    two.page.composer.set_text("that")
    one.page.save_draft()
    two.page.save_draft()
    assert two.page.composer.text == "this\n\nthat" == one.page.composer.text


def test_a_new_chat_of_each_window_has_its_own_draft_and_none_is_lost(
    two_windows: TwoWindows, open_window: Callable[..., Driver]
) -> None:
    one, two = two_windows()
    one.type("in the first")
    two.type("in the second")
    two.close()
    assert one.page.composer.text == "in the first"
    one.close()
    again = open_window(FakeEngine())
    assert again.page.composer.text == "in the first\n\nin the second"


def test_quit_closes_every_window(two_windows: TwoWindows) -> None:
    one, _two = two_windows()
    program = one.program
    QTest.keyClick(one.page.composer.edit, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    one.until(lambda: not [each for each in windows() if each.isVisible()])
    assert len(program.windows) == 1


@pytest.mark.qt_log_ignore("This plugin does not support", "systemTrayWindowChanged", extend=True)
def test_an_answer_is_told_of_once_and_only_the_last_window_goes_to_the_tray(
    two_windows: TwoWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = two_windows(FakeAnswer("Done.", tokens_per_s=40))
    told: list[str] = []
    monkeypatch.setattr("desktop.ui.window.tray_flow.can_close_to_tray", lambda: True)
    monkeypatch.setattr("desktop.ui.system.tray_icon.is_tray_available", lambda: True)
    monkeypatch.setattr(TrayIcon, "notify", lambda _, title, text: told.append(title))
    one.window.change_settings({"close_to_tray": True})
    one.ask("Hello", finish=False)
    for driver in (one, two):
        driver.window.hide()
    one.finish()
    assert told == ["Answer finished"]
    assert two.window.close(), "the other one is still there"
    two.closed = True
    assert not one.window.close()
    one.window.raise_window()
    one.window.quit()
    assert not one.window.isVisible()
    one.closed = True


def test_quitting_leaves_every_window(two_windows: TwoWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = two_windows()
    monkeypatch.setattr("desktop.ui.window.tray_flow.can_close_to_tray", lambda: True)
    one.window.change_settings({"close_to_tray": True})
    two.key(Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert not [each for each in windows() if each.isVisible()]
    assert one.backend.closed
    one.closed = True


def test_a_message_queued_in_one_window_waits_in_both_and_is_sent_once(two_windows: TwoWindows) -> None:
    one, two = two_windows(FakeAnswer("word " * 20, tokens_per_s=60), FakeAnswer("End."))
    one.ask("One", finish=False)
    two.window.open_conversation(one.page.conversation_id or "")
    two.until(lambda: len(two.messages) == 2)
    one.page.composer.queued.emit("Two")
    two.until(lambda: len(two.page.queue.strip.chips) == 1)
    two.until(lambda: bool(two.messages) and two.messages[-1].text == "End.")
    one.finish()
    assert [message.text for message in one.messages][2:] == ["Two", "End."]
    assert not one.page.queue.strip.chips
    assert not two.page.queue.strip.chips


def test_what_failed_in_a_chat_is_told_in_the_windows_that_show_it(two_windows: TwoWindows) -> None:
    one, two = two_windows(FakeAnswer("An answer."))
    one.ask("Who are you?")
    answers = one.chat.queue
    error = UserError("It was not sent.")
    answers.tell(ChatFailed(error, one.page.conversation_id))
    assert [one.page.error_area is not None, two.page.error_area is not None] == [True, False]
    one.page.show_error(None)
    answers.tell(ChatFailed(error, "shown-nowhere"))
    assert [one.page.error_area is not None, two.page.error_area is not None] == [True, False]
    one.page.show_error(None)
    answers.tell(ChatFailed(error))  # of no conversation
    assert [one.page.error_area is not None, two.page.error_area is not None] == [True, True]


def same(one: Driver, two: Driver) -> bool:
    """Whether both windows show the same turns, with the same arrows, and nothing is under way."""
    shown = [
        [(view.message.id, view.message.text, len(view.branch_buttons)) for view in each.transcript.views]
        for each in (one, two)
    ]
    return shown[0] == shown[1] and not one.chat.is_answering() and not two.chat.is_answering()


def settle(driver: Driver) -> None:
    """Until all that was asked of the database is done, and told."""
    for _ in range(3):
        done: list[object] = []
        driver.chat.find(driver.page.conversation_id or "", done.append)
        driver.until(lambda done=done: bool(done))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("edit", "edit"),
        ("regenerate", "regenerate"),
        ("regenerate", "delete"),
        ("delete", "edit"),
        ("delete", "delete"),
        ("edit_answer", "delete"),
    ],
)
def test_what_two_windows_change_in_one_chat_at_the_same_time_is_the_same_in_both(
    two_windows: TwoWindows, first: str, second: str
) -> None:
    one, two = two_windows(FakeAnswer("First."), FakeAnswer("Second."), FakeAnswer("Third."), FakeAnswer("Fourth."))
    one.ask("Hello")
    one.ask("And then?")
    key = one.page.conversation_id or ""
    two.window.open_conversation(key)
    two.until(lambda: len(two.messages) == 4)
    question, answer = one.messages[2], one.messages[3]

    def act(driver: Driver, kind: str, text: str) -> None:
        match kind:
            case "edit":
                driver.chat.edit(question.id, text)
            case "regenerate":
                driver.chat.regenerate(answer.id)
            case "edit_answer":
                driver.chat.branches.edit_answer(answer, text)
            case _:
                driver.chat.branches.delete(answer)

    act(one, first, "from the first window")
    act(two, second, "from the second window")
    one.until(lambda: same(one, two))
    settle(one)
    one.until(lambda: same(one, two))
    shown = [message.id for message in one.messages]
    assert [message.text for message in one.messages[:2]] == ["Hello", "First."]
    assert not [message for message in one.messages if message.status == "streaming"]
    for driver in (one, two):
        driver.window.new_chat()
        driver.window.open_conversation(key)
        driver.until(lambda driver=driver: [message.id for message in driver.messages] == shown)
