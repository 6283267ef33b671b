"""Light and dark: both complete, both readable, switched while the window is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QApplication

from desktop.ui.chat.prose_view import ProseView
from desktop.ui.theme.design_tokens import read_tokens
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _luminance(color: QColor) -> float:
    weighed = ((0.2126, color.redF()), (0.7152, color.greenF()), (0.0722, color.blueF()))
    return sum(
        weight * (part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4))
        for weight, part in weighed
    )


def _contrast(first: str, second: str) -> float:
    bright, dim = sorted((_luminance(QColor(first)), _luminance(QColor(second))), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


PAIRS = [
    *((text, ground) for text in ("text", "muted", "faint") for ground in ("page", "sidebar", "field", "code")),
    ("text", "selected"),
    ("text", "soft"),
    ("text", "hover"),
    ("text", "inline_code"),
    ("text", "selection"),
    ("text", "find"),
    ("text", "bad_fill"),
    ("on_accent", "accent"),
    ("link", "page"),
    ("good_text", "good_fill"),
    ("warn_text", "warn_fill"),
    ("bad_text", "bad_fill"),
    ("link", "selected"),
    *((kind, "code") for kind in ("keyword", "string", "number", "comment", "function")),
]


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(name: str, text: str, ground: str) -> None:
    tokens = read_tokens(RESOURCES / "style", name)
    assert _contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
def test_focus_can_be_seen(name: str) -> None:
    tokens = read_tokens(RESOURCES / "style", name)
    for ground in ("page", "sidebar", "field"):
        assert _contrast(tokens.accent, getattr(tokens, ground)) >= 3


def test_an_icon_that_was_removed_with_the_program_is_drawn_as_nothing(qapp: QApplication) -> None:
    """It is read while Qt paints, where an exception ends the process."""
    pixmap = Theme(RESOURCES, "light").pixmap("removed", "text", 16, 2.0)
    assert (pixmap.width(), pixmap.height()) == (32, 32)
    assert pixmap.toImage().pixelColor(16, 16).alpha() == 0


def test_every_icon_that_is_asked_for_exists(qapp: QApplication) -> None:
    theme = Theme(RESOURCES, "light")
    for file in (RESOURCES / "icons").glob("*.svg"):
        assert not theme.pixmap(file.stem, "text", 16, 2.0).isNull()


def _text_color(view: ProseView) -> str:
    return view.document.begin().begin().fragment().charFormat().foreground().color().name()


def test_switching_the_theme_repaints_what_is_shown(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]), theme="light")
    driver.ask("Question")
    view = found(driver.transcript.views[-1], ProseView)
    light, dark = (read_tokens(RESOURCES / "style", name) for name in ("light", "dark"))
    assert _text_color(view) == light.text
    driver.window.actions_table["theme"].trigger()
    assert _text_color(view) == dark.text
    assert driver.application.palette().window().color().name() == dark.page
    shot = driver.window.grab().toImage()
    assert shot.pixelColor(5, 300).name() == dark.sidebar
    assert '"dark"' in (driver.home / "config" / "settings.json").read_text()


def test_text_size_changes_everywhere_at_once(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer that says something.")]))
    driver.ask("Question")
    view = found(driver.transcript.views[-1], ProseView)
    before = (driver.application.font().pointSizeF(), view.document.size().height(), driver.sidebar.search.height())
    driver.window.actions_table["larger"].trigger()
    driver.window.actions_table["larger"].trigger()
    driver.application.processEvents()
    after = (driver.application.font().pointSizeF(), view.document.size().height(), driver.sidebar.search.height())
    assert all(new > old for new, old in zip(after, before, strict=True))


def test_it_follows_the_system_unless_told_otherwise(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    theme = Theme(RESOURCES, "system")
    hints = QGuiApplication.styleHints()
    try:
        hints.setColorScheme(Qt.ColorScheme.Dark)
        qapp.processEvents()
        followed = theme.tokens.name
        theme.choose("light", 1.0)
        hints.setColorScheme(Qt.ColorScheme.Light)
        hints.setColorScheme(Qt.ColorScheme.Dark)
        qapp.processEvents()
        chosen = theme.tokens.name
    finally:
        hints.unsetColorScheme()
    assert followed == ("dark" if hints.colorScheme() != Qt.ColorScheme.Unknown or followed == "dark" else "light")
    assert chosen == "light"
