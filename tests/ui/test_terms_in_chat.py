"""What the chat says of terms: beside the model's name, before the first question, and under each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QStackedWidget, QWidget
from pytestqt.qtbot import QtBot

from desktop.conversation import Message, ModelReference, TextPart, Timing
from desktop.library.library_model import LibraryCard, LibraryModel
from desktop.licenses.policy import Policy, PolicyRules
from desktop.ui.chat.blocked_model_card import blocked_model_text
from desktop.ui.chat.chat_top_bar import ChatTopBar, TermsBadges
from desktop.ui.chat.empty_state import EmptyState
from desktop.ui.chat.message_footer import MessageFooter, credits_of
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Badge, Label
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.cards import GUIDE, LLAMA_32, STABLE_VICUNA, card_of
from tests.ui.driving import Driver, found

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
OWED = "Llama 3.2 · attribution, acceptable use · Built with Llama"


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(RESOURCES, "light")
    QApplication.setFont(font)


def _model(card: LibraryCard) -> LibraryModel:
    assert card.listed.model is not None
    return card.listed.model


def _names(widget: QWidget) -> list[str]:
    children = widget.findChildren(QWidget)
    return [each.accessibleName() for each in children if each.accessibleName() and not each.isHidden()]


def _shown(widget: QWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible()).replace("\u200b", "")


# --- beside the model's name -----------------------------------------------------------------------------------------


def test_the_bar_says_restrictions_and_the_purpose(qtbot: QtBot, theme: Theme) -> None:
    bar = ChatTopBar(theme, lambda menu: None)
    qtbot.addWidget(bar)
    bar.resize(1000, 52)
    bar.show()
    bar.show_model(_model(card_of(STABLE_VICUNA, here=True)))
    bar.show_purpose("Research")
    QApplication.processEvents()
    names = _names(bar)
    assert "Research only · non-commercial" in names
    assert "No training on outputs" in names
    assert "Purpose: Research" in names
    bar.resize(520, 52)
    QApplication.processEvents()
    assert "Research only · non-commercial · no training on outputs" in _names(bar)
    assert bar.model_button.width() == bar.model_button.sizeHint().width()
    bar.show_model(_model(card_of(GUIDE, here=True)))
    bar.show_purpose("")
    assert "Apache-2.0" in _names(bar)
    assert not [name for name in _names(bar) if "only" in name or "Purpose" in name]


def test_a_long_license_does_not_widen_the_bar(qtbot: QtBot, theme: Theme) -> None:
    bar = ChatTopBar(theme, lambda menu: None)
    qtbot.addWidget(bar)
    before = bar.minimumSizeHint().width()
    model = _model(card_of(GUIDE, here=True))
    bar.show_model(LibraryModel(model.id, "Name" * 60, "", "Q8_0", model.path, 1, "License" * 43))
    bar.show_purpose("Research")
    assert bar.minimumSizeHint().width() - before < 300


@pytest.mark.parametrize(
    ("restrictions", "width", "shown"),
    [
        ((), 300, ["Apache-2.0", "Personal"]),
        ((), 100, ["Personal"]),
        (("attribution",), 150, ["Attribution", "Personal"]),
        (("attribution",), 100, ["Attribution"]),
    ],
)
def test_no_badge_is_cut_off_at_the_end(
    qtbot: QtBot, theme: Theme, restrictions: tuple[str, ...], width: int, shown: list[str]
) -> None:
    badges = TermsBadges(theme)
    qtbot.addWidget(badges)
    badges.show_terms("Apache-2.0", restrictions)
    badges.show_purpose("Personal")
    badges.resize(width, badges.sizeHint().height())
    badges.show()
    seen = [badge for badge in badges.findChildren(Badge) if not badge.isHidden()]
    assert [badge.text for badge in seen] == shown
    assert all(badge.geometry().right() < width for badge in seen)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_picker_marks_models_that_wait(qtbot: QtBot, theme: Theme) -> None:
    bar = ChatTopBar(theme, lambda menu: None)
    qtbot.addWidget(bar)
    bar.show()
    models = [_model(card_of(GUIDE, here=True)), _model(card_of(STABLE_VICUNA, here=True))]
    bar.show_models(models)
    bar.show_blocked({STABLE_VICUNA.id: "accept license"})
    bar.model_button.click()
    menu = found(bar, QMenu)
    texts = [action.text() for action in menu.actions()]
    assert texts[:2] == ["Latchkey Guide   Q4_K_M", "StableVicuna 13B   Q4_K_M   (accept license)"]
    menu.close()
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete: the menu goes before the bar does


# --- before the first question ---------------------------------------------------------------------------------------


def test_in_a_narrow_window_the_questions_stay_however_often_it_is_laid_out(qtbot: QtBot, theme: Theme) -> None:
    around = QStackedWidget()
    qtbot.addWidget(around)
    empty = EmptyState(theme)
    around.addWidget(empty)
    around.resize(540, 386)
    around.show()
    texts = [label.size() for label in empty.findChildren(Label)]
    for _ in range(4):
        empty.show_model(None)
    assert [label.size() for label in empty.findChildren(Label)] == texts
    assert all(button.isVisible() for button in empty.buttons)


def test_a_model_that_waits_says_for_what_and_leads_there(qtbot: QtBot, theme: Theme) -> None:
    empty = EmptyState(theme)
    qtbot.addWidget(empty)
    empty.resize(700, 500)
    empty.show()
    waiting = card_of(GUIDE, here=True)
    empty.show_model(_model(waiting))
    empty.show_license_verdict(waiting)
    assert "Latchkey Guide comes under Apache-2.0" in _shown(empty)
    assert not any(button.isVisible() for button in empty.buttons)
    button = next(each for each in empty.findChildren(Button) if each.text() == "Read and accept…")
    with qtbot.waitSignal(empty.license_asked) as asked:
        QTest.keyClick(button, Qt.Key.Key_Space)
    assert asked.args == [GUIDE.id, "Apache-2.0"]
    empty.show_license_verdict(card_of(GUIDE, here=True, accepted={"Apache-2.0": "in-force"}))
    assert "comes under" not in _shown(empty)
    assert all(button.isVisible() for button in empty.buttons)


def test_a_window_that_was_narrow_leaves_no_gap_between_title_and_text(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    empty = EmptyState(theme, window)
    window.show()
    heights = []
    for width in (900, 250, 240, 230, 900):
        empty.setGeometry(0, 0, width, 600)
        heights.append([label.height() for label in empty.findChildren(Label) if label.isVisible()])
    assert heights[-1] == heights[0]


def test_what_is_said_fits_what_happened() -> None:
    waiting = blocked_model_text(card_of(STABLE_VICUNA, here=True))
    assert waiting.title == "StableVicuna 13B comes under LLaMA and CC-BY-NC-SA-4.0"
    assert waiting.license == "LicenseRef-LLaMA"
    revoked = blocked_model_text(card_of(GUIDE, here=True, accepted={"Apache-2.0": "revoked"}))
    assert revoked.title == "You revoked the license of Latchkey Guide"
    changed = blocked_model_text(card_of(GUIDE, here=True, accepted={"Apache-2.0": "in-force"}, old_text=True))
    assert changed.title == "The license of Latchkey Guide has a new text"
    assert "14 March 2026" in changed.text
    denied = blocked_model_text(card_of(GUIDE, policy=Policy(contact="Ada", deny=PolicyRules(license=("Apache-2.0",)))))
    assert denied.license == ""
    assert "Ask Ada." in denied.text


@pytest.mark.parametrize(("width", "height", "scale"), [(548, 420, 1.0), (548, 420, 1.5), (300, 300, 1.0)])
def test_the_button_is_seen_in_small_windows(qtbot: QtBot, theme: Theme, width: int, height: int, scale: float) -> None:
    theme.choose("light", scale)
    empty = EmptyState(theme)
    qtbot.addWidget(empty)
    empty.resize(width, height)
    empty.show()
    empty.show_license_verdict(card_of(GUIDE, here=True))
    QApplication.processEvents()
    button = next(each for each in empty.findChildren(Button) if each.text() == "Read and accept…")
    corner = button.mapTo(empty, button.rect().bottomRight())
    assert corner.x() <= width
    assert corner.y() <= height


# --- under an answer -------------------------------------------------------------------------------------------------


def _answer(model: str, timing: Timing | None = None) -> Message:
    reference = ModelReference(model, "A model")
    return Message("a", "c", None, "assistant", (TextPart("Yes."),), model=reference, timing=timing)


def _transcript(qtbot: QtBot, theme: Theme, credit_of: Callable[[ModelReference], str]) -> Transcript:
    nothing = lambda *_: None  # noqa: E731
    transcript = Transcript(theme, MessageActions(nothing, nothing, nothing, credit_of=credit_of))
    qtbot.addWidget(transcript)
    transcript.resize(800, 400)
    transcript.show()
    return transcript


def test_an_answer_carries_license_restrictions_and_attribution(qtbot: QtBot, theme: Theme) -> None:
    transcript = _transcript(qtbot, theme, credits_of([_model(card_of(LLAMA_32, here=True))]))
    transcript.show_messages((_answer(LLAMA_32.id),), {})
    footer = found(transcript.views[-1], MessageFooter)
    assert footer.credit == OWED
    assert footer.accessibleName() == f"A model · {OWED}"


def test_an_answer_of_another_model_claims_nothing(qtbot: QtBot, theme: Theme) -> None:
    transcript = _transcript(qtbot, theme, credits_of([_model(card_of(LLAMA_32, here=True))]))
    transcript.show_messages((_answer("gone"),), {})
    assert found(transcript.views[-1], MessageFooter).credit == ""


def test_what_is_owed_stands_whole_in_a_narrow_column(qtbot: QtBot, theme: Theme) -> None:
    transcript = _transcript(qtbot, theme, lambda _: OWED)
    transcript.show_messages((_answer(LLAMA_32.id, Timing(tokens_per_s=41.2, time_to_first_token_s=0.3)),), {})
    wide = found(transcript.views[-1], MessageFooter).height()
    transcript.resize(300, 400)
    QApplication.processEvents()
    assert found(transcript.views[-1], MessageFooter).height() > wide


def test_credits_that_come_later_reach_answers_that_are_there(qtbot: QtBot, theme: Theme) -> None:
    owed: list[str] = [""]
    transcript = _transcript(qtbot, theme, lambda _: owed[0])
    transcript.show_messages((_answer(LLAMA_32.id),), {})
    footer = found(transcript.views[-1], MessageFooter)
    assert footer.credit == ""
    owed[0] = OWED
    transcript.show_credits()
    assert footer.credit == OWED


def test_the_page_passes_credits_on(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.page.set_credits(lambda model: f"{model.name} owes nothing")
    driver.ask("Really?")
    assert found(driver.transcript.views[-1], MessageFooter).credit == "Latchkey Guide owes nothing"
    driver.page.set_credits(lambda _: "another thing")
    assert found(driver.transcript.views[-1], MessageFooter).credit == "another thing"
