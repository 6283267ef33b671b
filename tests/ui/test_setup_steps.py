"""The way to a model as its page draws it: one step is next whatever stands in the way, and its button asks for it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from desktop.errors import AccessError, IntegrityError
from desktop.hub.repository_access import AccessState, RepositoryAccess, access_in_state
from desktop.hub.repository_files import FilePart
from desktop.library.hardware_fit import HardwareLimits, fit_of_size
from desktop.library.hub_offer import HubOffer, OfferedFile
from desktop.library.status import (
    AcceptLicenseStep,
    DownloadStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    LookUpStep,
    ModelStatus,
    NextStep,
    RefusedStep,
    RequestAccessStep,
    VerifyStep,
    WaitForApprovalStep,
)
from desktop.licenses.ledger_state import AcknowledgementStatus
from desktop.ui.models.models_page import ModelsPage
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.theme.theme import Theme
from tests.ui.cards import GUIDE, LLAMA_32, all_cards, card_of
from tests.ui.hub_walk import text_of

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
ACCEPTED: dict[str, AcknowledgementStatus] = {"LicenseRef-Llama-3.2": "in-force"}
MACHINE = HardwareLimits(16 * 10**9, 12 * 10**9, (), 4)
GB = 10**9


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(RESOURCES, "light")
    QApplication.setFont(font)


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> ModelsPage:
    page = ModelsPage(theme)
    qtbot.addWidget(page)
    page.resize(1028, 748)
    page.show()
    qtbot.waitExposed(page)
    return page


def access(state: AccessState) -> RepositoryAccess:
    return access_in_state(state, "", repository="meta-llama/Llama-3.2-3B", endpoint="https://huggingface.co")


def offer(state: AccessState | None = "granted", names: tuple[str, ...] = ("Q4_K_M", "Q8_0", "F16")) -> HubOffer:
    sizes = {"Q4_K_M": 2 * GB, "Q8_0": 4 * GB, "F16": 40 * GB}
    files = tuple(
        OfferedFile(f"llama-{name}.gguf", name, sizes.get(name, GB), (FilePart(f"llama-{name}.gguf", GB),),
                    fit_of_size(sizes.get(name, GB), MACHINE))
        for name in names
    )  # fmt: skip
    return HubOffer(
        model_id=LLAMA_32.id,
        name=LLAMA_32.name,
        repository="meta-llama/Llama-3.2-3B",
        commit="0" * 40,
        gated="manual",
        files=files,
        recommended=files[0].name,
        access=access(state) if state else None,
        checked=1.0,
        checks_since_change=1,
        access_revoked=False,
        gate_prompt="",
        gate_fields=(),
        skipped=(),
        license_file="",
        page="",
        looked_up_at=1.0,
    )


def show(page: ModelsPage, step: NextStep, state: AccessState | None = "granted", *, accepted: bool = True) -> None:
    card = card_of(LLAMA_32, accepted=ACCEPTED if accepted else None)
    page.show_cards(all_cards(card), None)
    page.choose(LLAMA_32.id)
    known = None if isinstance(step, LookUpStep) and not step.again else offer(state)
    file = known.files[0].name if known is not None else ""
    page.show_status(LLAMA_32.id, ModelStatus(step, known, file, True, 80 * GB, "keyring", "huggingface.co"))
    QApplication.processEvents()


@pytest.mark.parametrize(
    ("step", "state", "accepted", "title", "button", "asked"),
    [
        (LookUpStep(), None, False, "See what the Hub offers", "Ask the Hub what it offers of this model", "look"),
        (EnterTokenStep(access("bad-token")), "bad-token", False, "Access token", "Enter an access token", "token"),
        (EnterTokenStep(access("token-lacks-scope")), "token-lacks-scope", False, "Access token",
         "Enter an access token", "token"),
        (RequestAccessStep(access("not-requested")), "not-requested", False, "Access granted by the publisher",
         "Access to Llama 3.2 3B", "gate"),
        (WaitForApprovalStep(access("pending")), "pending", False, "Access granted by the publisher",
         "Access to Llama 3.2 3B", "gate"),
        (FreeSpaceStep(3 * GB, GB), "granted", True, "Free some space", "Look again how much space is free",
         "download"),
        (DownloadStep("llama-Q4_K_M.gguf", 2 * GB), "granted", True, "Download and verify", "Download the file",
         "download"),
        (DownloadStep("llama-Q4_K_M.gguf", 2 * GB, GB), "granted", True, "Download and verify",
         "Go on with the download", "download"),
    ],
)  # fmt: skip
def test_the_step_that_comes_next_is_marked_and_its_button_asks_for_it(
    page: ModelsPage,
    qtbot: QtBot,
    step: NextStep,
    state: AccessState | None,
    accepted: bool,
    title: str,
    button: str,
    asked: str,
) -> None:
    show(page, step, state, accepted=accepted)
    now = [row.step.title for row in page.detail.steps if row.step.progress == "now"]
    assert now == [title]
    pressed = next(each for each in page.detail.findChildren(QAbstractButton) if each.accessibleName() == button)
    with qtbot.waitSignal(page.detail.step_asked) as told:
        QTest.keyClick(pressed, Qt.Key.Key_Space)
    assert told.args == [asked, LLAMA_32.id]


def test_a_license_is_next_once_there_is_access(page: ModelsPage, qtbot: QtBot) -> None:
    show(page, AcceptLicenseStep("LicenseRef-Llama-3.2", "Llama 3.2", AccessError("x")), accepted=False)
    assert [row.step.progress for row in page.detail.steps] == ["done", "done", "now", "later"]
    with qtbot.waitSignal(page.license_asked) as asked:
        page.detail.first_button.click()  # type: ignore[union-attr]
    assert asked.args == [LLAMA_32.id, "LicenseRef-Llama-3.2"]


def test_what_nobody_here_can_change_is_told_and_urges_nothing(page: ModelsPage) -> None:
    show(page, RefusedStep(access("rejected").error()), "rejected")
    box = next(box for box in page.detail.findChildren(ErrorBox) if box.isVisible())
    assert "was rejected" in box.accessibleDescription()
    assert "now" not in [row.step.progress for row in page.detail.steps]


def test_where_the_hub_has_no_file_one_can_be_brought(page: ModelsPage, qtbot: QtBot) -> None:
    show(page, ImportStep("It holds no GGUF file."))
    assert "It holds no GGUF file." in text_of(page.detail)
    with qtbot.waitSignal(page.import_asked):
        next(
            each
            for each in page.detail.findChildren(QAbstractButton)
            if each.accessibleName() == "Import a GGUF file of this model"
        ).click()


def test_a_file_that_changed_is_verified_before_anything_else(page: ModelsPage) -> None:
    page.show_cards(all_cards(card_of(LLAMA_32, here=True)), None)
    page.choose(LLAMA_32.id)
    page.show_status(LLAMA_32.id, ModelStatus(VerifyStep(Path("/x")), removable=True))
    assert page.detail.steps[0].step.title == "Verify its file"
    assert page.detail.steps[0].step.progress == "now"


def test_a_file_that_is_gone_is_told_before_its_licenses(page: ModelsPage, qtbot: QtBot) -> None:
    card = card_of(LLAMA_32, here=True)
    assert card.listed.model is not None
    gone = replace(card, listed=replace(card.listed, model=replace(card.listed.model, state="missing")))
    page.show_cards(all_cards(gone), None)
    page.choose(LLAMA_32.id)
    assert [(row.step.title, row.step.progress) for row in page.detail.steps] == [
        ("Its file on this computer", "now"),
        ("Read and accept Llama 3.2 Community License", "later"),
    ]
    assert "Its file is no longer where it was." in text_of(page.detail)


def test_a_file_is_brought_before_licenses_that_may_be_accepted_for_an_id_of_its_own(page: ModelsPage) -> None:
    show(page, ImportStep("It holds no GGUF file."), accepted=False)
    now = [row.step.title for row in page.detail.steps if row.step.progress == "now"]
    assert now == ["Its file on this computer"]


def test_a_token_that_is_kept_is_not_asked_for_where_nobody_asked_the_hub_about_it(page: ModelsPage) -> None:
    show(page, LookUpStep(again=True), "no-token")
    assert [row.step.progress for row in page.detail.steps][:2] == ["done", "now"]


def test_every_license_is_accepted_afresh_where_the_ledger_does_not_hold(page: ModelsPage) -> None:
    card = card_of(LLAMA_32, here=True, accepted=ACCEPTED)
    broken = replace(card.verdict, refusal="ledger", error=IntegrityError("The ledger does not hold."))
    page.show_cards(all_cards(replace(card, verdict=broken)), None)
    page.choose(LLAMA_32.id)
    assert [row.step.progress for row in page.detail.steps] == ["now"]


def test_files_are_chosen_by_keyboard_with_the_recommended_one_first(page: ModelsPage, qtbot: QtBot) -> None:
    show(page, DownloadStep("llama-Q4_K_M.gguf", 2 * GB))
    assert page.detail.chooser is not None
    rows = page.detail.chooser.rows
    assert [row.isChecked() for row in rows] == [True, False, False]
    assert rows[0].accessibleName().startswith("Q4_K_M, 2.0 GB, ")
    assert rows[0].accessibleName().endswith(", recommended")
    assert "too large" in rows[2].accessibleName()
    rows[0].setFocus()
    with qtbot.waitSignal(page.status_requested) as asked:
        QTest.keyClick(rows[0], Qt.Key.Key_Down)
    assert asked.args == [LLAMA_32.id, "llama-Q8_0.gguf"]
    assert page.chosen_file(LLAMA_32.id) == "llama-Q8_0.gguf"


def test_what_the_chosen_files_quantization_costs_is_said_below_the_files(page: ModelsPage) -> None:
    card = card_of(LLAMA_32, accepted=ACCEPTED)
    page.show_cards(all_cards(card), None)
    page.choose(LLAMA_32.id)
    known = offer()
    files = tuple(replace(file, quality=f"The cost of {file.quantization}.") for file in known.files)
    step = DownloadStep("llama-Q4_K_M.gguf", 2 * GB)
    page.show_status(
        LLAMA_32.id, ModelStatus(step, replace(known, files=files), files[0].name, True, 80 * GB, "keyring", "h")
    )
    QApplication.processEvents()
    assert page.detail.chooser is not None
    assert "The cost of Q4_K_M." in text_of(page.detail)
    assert "The cost of Q8_0." not in text_of(page.detail)
    assert "The cost of Q8_0." in page.detail.chooser.rows[1].accessibleDescription()


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_long_names_of_files_widen_nothing(page: ModelsPage, theme: Theme, scale: float) -> None:
    theme.choose("light", scale)
    card = card_of(LLAMA_32, accepted=ACCEPTED)
    page.show_cards(all_cards(card), None)
    page.choose(LLAMA_32.id)
    long = offer(names=("Q" * 200, "ä b" * 60))
    name = long.files[0].name
    page.show_status(LLAMA_32.id, ModelStatus(DownloadStep(name, GB), long, name, True, GB, None, "h" * 200))
    page.resize(548, 600)
    QApplication.processEvents()
    inside = page.detail.widget()
    assert inside is not None
    assert inside.width() <= page.detail.viewport().width()
    theme.choose("light", 1.0)


def test_the_same_way_once_more_moves_nothing(page: ModelsPage) -> None:
    show(page, DownloadStep("llama-Q4_K_M.gguf", 2 * GB))
    before = page.detail.steps
    step, file = DownloadStep("llama-Q4_K_M.gguf", 2 * GB), "llama-Q4_K_M.gguf"
    page.show_status(LLAMA_32.id, ModelStatus(step, offer(), file, True, 80 * GB + 5, "keyring", "huggingface.co"))
    assert page.detail.steps is before


def test_files_that_are_no_longer_shown_do_not_hear_of_a_new_theme(page: ModelsPage, theme: Theme) -> None:
    """Each look at a model makes them anew; those of former looks are freed, and raise nothing when a theme comes."""
    left = []
    for _ in range(3):
        show(page, DownloadStep("llama-Q4_K_M.gguf", 2 * GB))
        left.append(weakref.ref(page.detail.chooser))
        page.choose(GUIDE.id)
        assert page.detail.chooser is None
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    theme.choose("dark", 1.5)
    assert [reference() for reference in left] == [None, None, None]
