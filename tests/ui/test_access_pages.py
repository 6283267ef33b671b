"""The steps for token and gate as widgets: every state in words, nothing hostile, nothing in clear, all by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.credentials.token_store import TokenStoreOption
from desktop.hub.repository_access import AccessState, access_in_state
from desktop.hub.whoami import WhoAmI
from desktop.ui.access.access_page_values import GateContent, SavedToken, TokenContent
from desktop.ui.access.access_poller import AccessPoller
from desktop.ui.access.access_text import duration_text, polling_sentence
from desktop.ui.access.gate_step import GateStep
from desktop.ui.access.token_step import TokenStep
from desktop.ui.parts.secret_field import cleaned
from desktop.ui.theme.theme import Theme
from tests.ui.hub_walk import text_of

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
REPOSITORY = "meta-llama/Llama-3.2-3B"
SECRET = "hf_SecretSecretSecret"
CHOICES = (
    TokenStoreOption("keyring", "absent", "This system has no keyring."),
    TokenStoreOption("vault", "absent", "In a vault."),
    TokenStoreOption("session", "ready", "For this session only."),
)


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(RESOURCES, "light")
    QApplication.setFont(font)


@pytest.fixture
def token(qtbot: QtBot, theme: Theme) -> TokenStep:
    step = TokenStep(theme)
    qtbot.addWidget(step)
    step.resize(1028, 668)
    step.show_content(TokenContent("m", "Llama 3.2 3B", "huggingface.co", "make", "settings", CHOICES))
    step.show()
    qtbot.waitExposed(step)
    step.begin()
    return step


@pytest.fixture
def gate(qtbot: QtBot, theme: Theme) -> GateStep:
    step = GateStep(theme)
    qtbot.addWidget(step)
    step.resize(1028, 668)
    step.show()
    qtbot.waitExposed(step)
    return step


def gate_content(state: AccessState | None, message: str = "", prompt: str = "Be kind.") -> GateContent:
    access = (
        access_in_state(state, message, repository=REPOSITORY, endpoint="https://huggingface.co") if state else None
    )
    page = f"https://huggingface.co/{REPOSITORY}"
    return GateContent("m", "Llama 3.2 3B", REPOSITORY, "huggingface.co", page, access, prompt=prompt, fields=("Name",))


# --- the gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", get_args(AccessState))
def test_each_state_shows_its_sentences_and_something_to_do(gate: GateStep, state: AccessState) -> None:
    content = gate_content(state, "Words of the Hub.")
    gate.show_content(content, 0.0)
    assert content.access is not None
    shown = text_of(gate)
    for sentence in (content.access.title, content.access.detail, content.access.remedy):
        assert sentence in shown
    assert "Words of the Hub." in shown
    assert gate.first_button.isVisible()
    gate.begin()
    assert gate.first_button.hasFocus()


def test_what_a_token_settles_leads_to_the_token_and_what_a_page_settles_to_the_page(
    gate: GateStep, qtbot: QtBot
) -> None:
    gate.show_content(gate_content("bad-token"), 0.0)
    with qtbot.waitSignal(gate.token_asked):
        QTest.keyClick(gate.first_button, Qt.Key.Key_Space)
    gate.show_content(gate_content("not-requested"), 0.0)
    with qtbot.waitSignal(gate.link_asked) as asked:
        QTest.keyClick(gate.first_button, Qt.Key.Key_Space)
    assert asked.args == [f"https://huggingface.co/{REPOSITORY}"]
    gate.show_content(gate_content("granted"), 0.0)
    with qtbot.waitSignal(gate.continued):
        QTest.keyClick(gate.first_button, Qt.Key.Key_Space)


def test_a_publishers_words_are_shown_as_they_are_and_do_nothing(gate: GateStep) -> None:
    hostile = (
        "<h1>Free</h1><img src='http://192.0.2.1/x.png'><a href='file:///etc/passwd'>here</a>"
        "<style>*{display:none}</style>\n" + "x" * 20_000 + "\n&lt;b&gt;"
    )
    gate.show_content(gate_content("not-requested", "<b>Hub</b>", hostile), 0.0)
    assert gate.prompt.toPlainText().startswith("<h1>Free</h1><img src='http://192.0.2.1/x.png'>")
    assert "&lt;b&gt;" in gate.prompt.toPlainText()
    assert "<b>Hub</b>" in text_of(gate)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in gate.findChildren(QLabel))
    assert gate.width() == 1028


def test_a_text_that_is_being_read_stays_where_it_is_when_the_hub_answered(gate: GateStep) -> None:
    gate.show_content(gate_content("pending", prompt="line\n" * 400), 0.0)
    gate.prompt.verticalScrollBar().setValue(500)
    gate.show_content(gate_content("granted", prompt="line\n" * 400), 0.0)
    assert gate.prompt.verticalScrollBar().value() == 500


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 second"), (40, "40 seconds"), (59, "1 minute"), (180, "3 minutes"), (3500, "58 minutes"), (3590, "1 hour"),
     (7200, "2 hours"), (86_000, "1 day"), (400_000, "5 days")],
)  # fmt: skip
def test_times_are_told_in_one_unit(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said


def test_following_says_when_it_asked_and_when_it_asks_again() -> None:
    assert polling_sentence(1180.0, 1000.0, 1780.0) == (
        "Last asked 3 minutes ago. Asked again in 10 minutes, while this window is open."
    )
    assert polling_sentence(1000.0, 0.0, 0.0) == ""


def test_a_request_is_followed_ever_more_rarely_and_not_while_off_line(qtbot: QtBot) -> None:
    asked: list[str] = []
    now, offline = [1000.0], [False]
    following = AccessPoller(asked.append, lambda: offline[0], lambda: now[0])
    following.add("m", 1000.0)
    gaps = []
    for _ in range(8):
        gaps.append(following.next_check_at("m") - now[0])
        now[0] = following.next_check_at("m")
        following.check_due()
        following.add("m", now[0])
    assert gaps == sorted(gaps)
    assert gaps[0] == 30.0
    assert gaps[-1] <= 900.0
    assert len(asked) == 8
    offline[0] = True
    now[0] += 10_000
    following.check_due()
    assert len(asked) == 8
    assert following.next_check_at("m") == 0.0
    following.remove("m")
    offline[0] = False
    now[0] += 10_000
    following.check_due()
    assert len(asked) == 8
    following.close()


# --- the token -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [f" {SECRET} ", f"{SECRET}\r\n", f"\u200b{SECRET}\u00a0", f"{SECRET[:8]}\n{SECRET[8:]}"]
)
def test_blanks_and_line_breaks_around_a_token_are_dropped(token: TokenStep, given: str) -> None:
    assert cleaned(given) == SECRET
    QApplication.clipboard().setText(given)
    token.fields.token.paste_button.click()
    assert token.fields.token.value == SECRET


def test_the_token_is_never_told_in_clear_also_while_it_is_shown(token: TokenStep) -> None:
    QTest.keyClicks(token.fields.token.edit, SECRET)
    token.fields.token.show_button.click()
    for widget in [token, *token.findChildren(QWidget)]:
        interface = QAccessible.queryAccessibleInterface(widget)
        kinds = (QAccessible.Text.Name, QAccessible.Text.Value, QAccessible.Text.Description)
        assert all(SECRET not in (interface.text(kind) or "") for kind in kinds), widget
        assert SECRET not in widget.toolTip()
    assert SECRET not in repr(token.fields.form)
    assert token.fields.token.show_button.accessibleName() == "Hide the access token"


def test_what_was_typed_is_gone_once_the_page_is(token: TokenStep) -> None:
    QTest.keyClicks(token.fields.token.edit, SECRET)
    token.hide()
    assert token.fields.token.value == ""


def test_enter_saves_where_nothing_is_missing(token: TokenStep, qtbot: QtBot) -> None:
    QTest.keyClicks(token.fields.token.edit, SECRET)
    with qtbot.waitSignal(token.saved):
        QTest.keyClick(token.fields.token.edit, Qt.Key.Key_Return)


def test_a_token_that_lacks_its_permission_is_told_with_the_remedy_and_may_be_kept(
    token: TokenStep, qtbot: QtBot
) -> None:
    kept: list[bool] = []
    token.show_missing_scope(SavedToken(WhoAmI("ann", "fineGrained", False, True), None), lambda: kept.append(True))
    assert token.fields.box is not None
    assert "public gated repos" in token.fields.box.box.accessibleDescription()
    token.fields.box.box.buttons[0].click()
    assert kept
    with qtbot.waitSignal(token.link_asked) as asked:
        next(
            each for each in token.findChildren(QWidget) if each.accessibleName() == "Open the token's settings…"
        ).click()  # type: ignore[attr-defined]
    assert asked.args == ["settings"]


def test_everything_that_takes_focus_has_a_name_and_the_field_comes_first(token: TokenStep) -> None:
    assert token.fields.token.edit.hasFocus()
    token.fields._places["vault"].setChecked(True)
    for widget in token.findChildren(QWidget):
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            assert widget.accessibleName(), widget


@pytest.mark.parametrize("width", [548, 1028])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_the_pages_keep_their_width(token: TokenStep, gate: GateStep, theme: Theme, width: int, scale: float) -> None:
    theme.choose("dark", scale)
    gate.show_content(gate_content("rejected", "m" * 300, "p" * 3000), 0.0)
    for page in (token, gate):
        page.resize(width, 560)
        QApplication.processEvents()
        assert page.width() == width
    theme.choose("light", 1.0)
