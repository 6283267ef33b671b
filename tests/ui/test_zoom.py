"""Text grows and shrinks by keys and by the wheel with Ctrl."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

CONTROL = Qt.KeyboardModifier.ControlModifier


def turn(driver: Driver, notches: float) -> None:
    viewport = driver.transcript.viewport()
    at = QPointF(viewport.rect().center())
    event = QWheelEvent(
        at,
        QPointF(viewport.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        CONTROL,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def test_text_grows_and_shrinks_by_keys_and_wheel(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    driver.ask("A question")
    before = driver.page.composer.edit.font().pointSizeF()
    driver.key(Qt.Key.Key_Plus, CONTROL)
    assert driver.page.composer.edit.font().pointSizeF() > before
    driver.key(Qt.Key.Key_0, CONTROL)
    assert driver.window.settings.text_scale == 1.0
    turn(driver, 1)
    assert driver.window.settings.text_scale > 1.0
    turn(driver, -0.5)
    turn(driver, -0.5)
    assert driver.window.settings.text_scale == 1.0
