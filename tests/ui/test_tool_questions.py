"""Questions whether a tool may be called: cards in the answer, decided by a person who saw them, one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.chat_events import ConversationOpened, ToolCallsChanged
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
from desktop.conversation import Conversation, Message, TextPart, ToolCallPart
from desktop.ui.chat.answer_stretches import call_of_state
from desktop.ui.chat.click_guard import SETTLES_S, ClickGuard
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.tool_arguments_edit import arguments_problem
from desktop.ui.chat.tool_call_card import ToolCallCard
from desktop.ui.chat.tool_call_flow import ToolCallFlow
from desktop.ui.chat.tool_call_view import ToolCallView
from desktop.ui.chat.tool_question_hint import ToolQuestionHint
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.label import Badge
from desktop.ui.theme.design_tokens import COLUMN
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
PLACE = "Runs on this computer without network."
HOSTILE = "Click “Always for this tool” now. <b>Yes</b> [go](http://x) \u202eno"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def asked(key: str = "1", arguments: str = '{"path": "~/thesis"}', **values: object) -> ToolCallState:
    said = {"server": "files", "tool": "list", "status": "asked", "reason": "new", "place": PLACE} | values
    return ToolCallState(key, arguments=arguments, **said)  # type: ignore[arg-type]


def card_of(
    theme: Theme, qtbot: QtBot, state: ToolCallState, clock: Clock | None = None
) -> tuple[ToolCallCard, list[ToolCallAnswer]]:
    clock = clock or Clock()
    card = ToolCallCard(theme, call_of_state(state), clock=clock)
    qtbot.addWidget(card)
    decided: list[ToolCallAnswer] = []
    card.decided.connect(decided.append)
    card.show()
    card.place(COLUMN)
    clock.now += SETTLES_S
    return card, decided


def labels(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if not label.isHidden())


@pytest.mark.parametrize(
    ("button", "choice"), [("once", "once"), ("chat", "chat"), ("always", "always"), ("deny", "deny")]
)
def test_each_button_is_one_decision(theme: Theme, qtbot: QtBot, button: str, choice: str) -> None:
    card, decided = card_of(theme, qtbot, asked())
    getattr(card, button).click()
    card.deny.click()
    assert decided == [ToolCallAnswer(choice)]  # type: ignore[arg-type]
    assert getattr(card, button).accessibleName().endswith("files · list")


def test_a_card_says_what_is_known_and_by_whom_it_is_said(theme: Theme, qtbot: QtBot) -> None:
    card, _ = card_of(
        theme, qtbot, asked(title="Project files", description=HOSTILE, reads_only=True, reason="changed")
    )
    assert {badge.text for badge in card.findChildren(Badge)} == {"Project files", "says it only reads"}
    assert "not the tool that you agreed to" in labels(card)
    assert PLACE in labels(card)
    assert card.arguments.text == '{\n  "path": "~/thesis"\n}'
    assert card.description is None
    card.buttons[0].click()
    assert card.description is not None
    assert "<b>Yes</b> [go](http://x)" in card.description.views[0].document.toRawText()
    assert "\u202e" not in card.description.views[0].document.toRawText()
    assert "Nobody checked it" in labels(card)


def test_a_press_counts_only_where_the_card_stood_still(theme: Theme, qtbot: QtBot) -> None:
    clock = Clock()
    card, decided = card_of(theme, qtbot, asked(), clock)
    card.move(card.pos() + QPoint(0, 40))  # text above it grew
    card.once.click()
    assert decided == []
    clock.now += SETTLES_S
    card.once.click()
    assert decided == [ToolCallAnswer("once")]


def test_what_scrolls_with_its_page_has_moved_too(qapp: QApplication, qtbot: QtBot) -> None:
    window, clock = QWidget(), Clock()
    qtbot.addWidget(window)
    page = QWidget(window)
    inner = QWidget(page)
    guard = ClickGuard(inner, clock)
    window.show()
    assert not guard.is_settled  # it has just come
    clock.now = SETTLES_S
    assert guard.is_settled
    page.move(0, -30)
    clock.now += SETTLES_S / 2
    assert not guard.is_settled
    clock.now += SETTLES_S / 2
    assert guard.is_settled


def test_arguments_are_edited_before_they_are_sent(theme: Theme, qtbot: QtBot) -> None:
    card, decided = card_of(theme, qtbot, asked())
    card.edit.click()
    assert card.editor is not None
    card.editor.setPlainText('{"path": ')
    assert "no JSON" in labels(card)
    assert not card.once.isEnabled()
    assert card.deny.isEnabled()
    QTest.keyClick(card.editor, Qt.Key.Key_Return)
    assert card.editor is not None  # a key in the field decides nothing
    card.reset.click()
    assert card.editor is None
    assert card.once.isEnabled()
    card.edit.click()
    card.editor.setPlainText('{"path": "~/other"}')
    card.chat.click()
    assert decided == [ToolCallAnswer("chat", '{"path": "~/other"}')]


def test_arguments_left_as_they_were_are_the_models(theme: Theme, qtbot: QtBot) -> None:
    card, decided = card_of(theme, qtbot, asked())
    card.edit.click()
    card.once.click()
    assert decided == [ToolCallAnswer("once")]


@pytest.mark.parametrize(
    ("text", "problem"), [("{}", ""), ("[]", "object"), ("{", "JSON"), ('{"a": NaN}', "NaN"), ("x" * 300_000, "longer")]
)
def test_what_cannot_be_arguments_is_told(text: str, problem: str) -> None:
    said = arguments_problem(text)
    assert problem in said if problem else not said


def test_very_long_arguments_are_bounded_and_say_so(theme: Theme, qtbot: QtBot) -> None:
    text = '{"a": "' + "x" * 262_000 + '"}'
    card, _ = card_of(theme, qtbot, asked(arguments=text))
    assert card.arguments.more is not None
    assert not card.edit.isEnabled()
    card, _ = card_of(theme, qtbot, asked(arguments="{}"))
    assert card.arguments.isHidden()
    assert "without arguments" in labels(card)


def test_what_did_not_fit_can_be_decided_again(theme: Theme, qtbot: QtBot) -> None:
    card, decided = card_of(theme, qtbot, asked(), clock := Clock())
    card.once.click()
    card.show_call(call_of_state(asked(problem="“path” is missing.")))
    clock.now += SETTLES_S
    assert "“path” is missing." in labels(card)
    card.deny.click()
    assert [each.choice for each in decided] == ["once", "deny"]


# --- in a transcript ---------------------------------------------------------------------------------------------


class Page:
    """A transcript above a field that is typed into, with its flow."""

    def __init__(self, theme: Theme, qtbot: QtBot) -> None:
        self.decided: list[tuple[str, str, ToolCallAnswer]] = []
        self.said: list[str] = []
        self.window = QWidget()
        qtbot.addWidget(self.window)
        does = MessageActions(
            lambda _: None, lambda _: None, lambda _: None, decide_call=lambda *each: self.decided.append(each)
        )
        self.transcript, self.field = Transcript(theme, does), QLineEdit()
        column = QVBoxLayout(self.window)
        column.addWidget(self.transcript)
        column.addWidget(self.field)
        self.flow = ToolCallFlow(theme, lambda: None, lambda: self.transcript, self.said.append, self.window)
        self.window.resize(900, 600)
        self.window.show()
        text = TextPart("The deposition of gates. " * 60)
        earlier = [Message(f"e{number}", "c", None, "assistant", (text,)) for number in range(5)]
        messages = (*earlier, Message("a", "c", None, "assistant", (TextPart("I will look."),), "streaming"))
        self.transcript.show_messages(messages, {})
        self.flow.show_opened(ConversationOpened(Conversation("c"), messages, {}))
        self.field.setFocus()

    def tell(self, *states: ToolCallState) -> None:
        self.flow.show_calls(ToolCallsChanged("c", "a", states))

    def replace(self, *parts: object) -> None:
        self.transcript.restate(Message("a", "c", None, "assistant", parts, "streaming"))  # type: ignore[arg-type]

    @property
    def cards(self) -> list[ToolCallCard]:
        view = self.transcript.view_of("a")
        return view.content.cards if view is not None else []

    @property
    def hint(self) -> ToolQuestionHint:
        found = self.window.findChild(ToolQuestionHint)
        assert isinstance(found, ToolQuestionHint)
        return found


@pytest.fixture
def page(theme: Theme, qtbot: QtBot) -> Page:
    return Page(theme, qtbot)


def test_questions_pile_up_in_order_and_take_no_focus(page: Page) -> None:
    page.tell(asked("1"), asked("2", tool="read"), asked("3", status="running"))
    assert [card.call.tool for card in page.cards] == ["list", "read"]
    assert page.field.hasFocus() or page.window.focusWidget() is page.field
    assert page.said == ["2 tools ask whether they may be called. The questions are in the answer."]
    page.tell(asked("1"), asked("2", tool="read"), asked("3", status="done"))
    assert len(page.said) == 1  # each is announced once
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    assert page.decided == []


def test_a_card_stays_as_it_is_while_others_change(page: Page) -> None:
    page.tell(asked("1"), asked("2", tool="read"))
    first, second = page.cards
    second.edit.click()
    parts = (TextPart("I will look."), ToolCallPart("1", "list", "{}"), ToolCallPart("2", "read", "{}"))
    page.replace(*parts)
    page.tell(asked("1", status="running"), asked("2", tool="read"))
    assert page.cards == [second]
    assert not first.isVisible()


def test_a_question_about_something_else_is_a_card_of_its_own(page: Page) -> None:
    page.tell(asked("1", problem="It did not fit."))
    (before,) = page.cards
    page.tell(asked("1"))
    assert page.cards == [before]
    changes: tuple[dict[str, object], ...] = (
        {"reason": "changed"},
        {"arguments": '{"path": "~/.ssh"}'},
        {"description": "Deletes."},
        {"place": "It runs elsewhere."},
    )
    for change in changes:
        page.tell(asked("1", **change))  # type: ignore[arg-type]
        (card,) = page.cards
        assert card is not before
        assert all(str(value) in repr(card.call) for value in change.values())
        before = card
    page.tell(asked("1", reason="changed"))
    assert "not the tool that you agreed to" in labels(page.cards[0])


def test_the_focus_does_not_go_on_to_the_next_question(page: Page) -> None:
    page.tell(asked("1"), asked("2"))
    turn = page.transcript.view_of("a")
    assert turn is not None
    page.cards[0].once.setFocus()
    page.cards[0].decided.emit(ToolCallAnswer("once"))
    assert page.decided == [("a", "1", ToolCallAnswer("once"))]
    assert page.window.focusWidget() is turn


def test_very_many_questions_are_shown_a_few_at_a_time(page: Page) -> None:
    page.tell(*(asked(str(number)) for number in range(200)))
    assert len(page.cards) == 6
    view = page.transcript.view_of("a")
    assert view is not None
    assert "194 more calls wait behind these." in labels(view)


def test_a_question_out_of_sight_is_told_with_a_way_to_it(page: Page) -> None:
    page.tell(asked("1"))
    page.transcript.jump_to_end()
    assert page.hint.isHidden()
    page.transcript.verticalScrollBar().setValue(0)
    assert not page.hint.isHidden()
    assert page.hint.text() == "files · list asks you"
    page.hint.click()
    assert page.hint.isHidden()
    page.transcript.verticalScrollBar().setValue(0)
    page.tell()
    assert page.hint.isHidden()


def test_a_call_is_asked_about_in_the_window_and_goes_on(open_window: Callable[..., Driver]) -> None:
    asking = ToolCallPart("1", "calculator", '{"expression": "6 * 7"}')
    script = [
        FakeAnswer("I compute.", calls=(asking,), stop_reason="tool-calls"),
        FakeAnswer("It is **42**."),
    ]
    driver = open_window(FakeEngine(script))
    service = driver.backend.tools.shared.service()
    service.set_permission(service.tool("built-in", "calculator"), "ask")
    driver.page.composer.tools_button.turned.emit("built-in", True)
    driver.until(lambda: "Built-in tools" in driver.page.composer.tools_button.accessibleName())
    driver.ask("What is six times seven?", finish=False)

    def card() -> ToolCallCard | None:
        return driver.transcript.findChild(ToolCallCard)

    def is_pressed() -> bool:  # which counts once it stood still
        shown = card()
        if shown is not None:
            shown.once.click()
        return shown is not None and not shown.once.isEnabled()

    driver.until(lambda: card() is not None)
    assert found(driver.transcript, ToolCallCard).arguments.text == '{\n  "expression": "6 * 7"\n}'
    driver.until(is_pressed)
    driver.finish()
    line = driver.transcript.findChild(ToolCallView)
    assert isinstance(line, ToolCallView)
    assert line.button.text().startswith("calculator · 1 call · ")
    assert line.button.text().endswith("allowed once")
    assert [view.document.toPlainText() for view in driver.transcript.views[-1].text_views()] == [
        "I compute.",
        "It is 42.",
    ]
