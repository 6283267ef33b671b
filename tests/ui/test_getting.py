"""From a name to a first answer in the real window, against a fake Hub on loopback and with the real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit

from desktop.background import Background
from desktop.errors import StoppedError
from desktop.library.library import Library
from desktop.paths import find_paths
from desktop.ui.downloads.downloads_strip import DownloadRow
from tests.accepting import import_and_accept
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.fakes.tiny_gguf import random_model
from tests.ui.driving import Driver
from tests.ui.hub_walk import MODEL, PERSON, Walk, button_names, stock, text_of

Open = Callable[..., Driver]
pytestmark = pytest.mark.loopback


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def repository(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRepository:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    return stock(hub, tmp_path)


def enter_token(walk: Walk, value: str, place: str = "This session only") -> None:
    """Paste a token into the step, with what pages put around one, and save it by keyboard."""
    walk.driver.until(lambda: walk.driver.has("Access token"))
    field = walk.driver.named("Access token", QLineEdit)
    field.setFocus()
    field.clear()
    QApplication.clipboard().setText(f"  {value}\n")
    walk.press("Paste the access token")
    assert walk.driver.focused == "Access token"
    option = walk.driver.named(place, QAbstractButton)
    option.setFocus()
    QTest.keyClick(option, Qt.Key.Key_Space)
    walk.press("Save token")


def row_of(walk: Walk) -> DownloadRow:
    (row,) = walk.page.downloads.rows.values()
    return row


def accept_license(walk: Walk) -> None:
    walk.press("Read Apache License 2.0")
    walk.driver.until(lambda: walk.driver.has("I accept"))
    QTest.keyClicks(walk.driver.named("Your name", QLineEdit), "Ada Lovelace")
    walk.press("Research")
    walk.press("I accept")


def test_a_person_without_a_token_gets_a_gated_model_and_its_first_answer(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    lacking = hub.add_token(PERSON, "fineGrained", may_read_gated=False)
    good = hub.add_token(PERSON, "fineGrained")
    walk = Walk(hub, repository, open_window(sampling={"temperature": 0.0, "max_tokens": 8}))
    assert not hub.requests(), "the Hub was asked before anybody wanted it"
    walk.look_up()
    walk.until_step("Access token")

    walk.press("Enter an access token")
    enter_token(walk, lacking)
    walk.driver.until(lambda: bool(walk.driver.errors()))
    said = walk.driver.errors()[0].accessibleDescription()
    assert "It may not read gated repositories." in said
    assert "token of ann" in said
    walk.press("Keep it all the same")
    walk.driver.until(lambda: walk.driver.has("Continue"))
    walk.press("Continue")
    walk.until_step("Access token")
    walk.driver.until(lambda: "may not read gated repositories" in text_of(walk.page.detail))

    walk.press("Enter an access token")
    enter_token(walk, good)
    walk.driver.until(lambda: walk.driver.has("Continue"))
    assert "It may read gated repositories." in text_of(walk.driver.window.pages.token)
    walk.press("Continue")
    walk.until_step("Access granted by the publisher")

    walk.press("Access to tiny-chat-GGUF")
    walk.driver.until(lambda: walk.driver.has("Check again"))
    assert walk.driver.focused == "Open its page in the browser to request access"
    walk.stand("pending")
    walk.press("Check again")
    gate = walk.driver.window.pages.gate
    walk.driver.until(lambda: "is waiting for its publisher" in text_of(gate))
    walk.driver.until(lambda: "Asked again in" in text_of(gate))
    walk.stand("granted")
    walk.press("Check again")
    walk.driver.until(lambda: walk.driver.has("Continue"))
    walk.press("Continue")

    walk.until_step("Read and accept Apache License 2.0")
    # What the header says was read by range: it names terms. Nothing of the file is kept before they are accepted.
    assert all(seen.headers.get("range", "").startswith("bytes=0-") for seen in hub.requests("cdn", "tiny-chat-Q8_0"))
    assert not find_paths().models.exists()
    accept_license(walk)
    walk.until_step("Download and verify")
    hub.rate = 150_000
    walk.press("Download the file")
    walk.driver.until(lambda: bool(walk.page.downloads.rows) and row_of(walk).item.progress.done > 0)
    walk.driver.until(lambda: walk.driver.sidebar.models.detail != "")
    walk.press(row_of(walk).buttons["pause"].accessibleName())
    walk.driver.until(lambda: row_of(walk).item.progress.state == "paused")
    assert walk.driver.focused.startswith("Resume")
    hub.rate = None
    walk.press(row_of(walk).buttons["resume"].accessibleName())
    walk.driver.until(lambda: row_of(walk).item.progress.state == "done")
    walk.driver.until(lambda: walk.driver.sidebar.models.detail == "")

    walk.press(row_of(walk).buttons["use"].accessibleName())
    walk.driver.until(lambda: walk.driver.window.pages.shown == "")
    walk.driver.until(lambda: walk.driver.page.top_bar.model is not None and walk.driver.page.top_bar.model.id == MODEL)
    answer = walk.driver.ask("Hello")
    assert answer.status == "complete", answer.error
    assert all("authorization" not in each.headers for each in hub.requests("cdn"))
    log = walk.driver.home / "logs" / "latchkey.log"
    assert good not in (log.read_text(encoding="utf-8") if log.exists() else "")


def test_a_token_the_hub_does_not_know_is_told_where_it_was_typed_and_not_kept(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up()
    walk.press("Enter an access token")
    enter_token(walk, "hf_thisIsNoToken")
    walk.driver.until(lambda: bool(walk.driver.errors()))
    assert "does not accept this access token" in walk.driver.errors()[0].accessibleDescription()
    assert walk.driver.named("Access token", QLineEdit).text() == "hf_thisIsNoToken"
    walk.driver.key(Qt.Key.Key_Escape)
    walk.until_step("Access token")
    walk.press("Enter an access token")
    walk.driver.until(lambda: walk.driver.has("Access token"))
    assert walk.driver.named("Access token", QLineEdit).text() == "", "what was typed was kept in the window"


def test_a_vault_is_made_for_a_token_and_opened_again_in_the_next_run(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    good = hub.add_token(PERSON, "read")
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up()
    walk.press("Enter an access token")
    walk.driver.until(lambda: walk.driver.has("Access token"))
    QTest.keyClicks(walk.driver.named("Access token", QLineEdit), good)
    walk.press("Vault with a passphrase")
    save = walk.driver.named("Save token", QAbstractButton)
    QTest.keyClicks(walk.driver.named("Passphrase of the vault", QLineEdit), "correct horse")
    assert not save.isEnabled(), "a passphrase that nobody repeated"
    QTest.keyClicks(walk.driver.named("Passphrase once more", QLineEdit), "correct horse")
    walk.press("Save token")
    walk.driver.until(lambda: walk.driver.has("Continue"))
    assert find_paths().token_vault.exists()
    assert good.encode() not in find_paths().token_vault.read_bytes()
    walk.driver.close()

    again = Walk(hub, repository, open_window(FakeEngine()))
    again.stand("granted")
    again.open_models()
    again.page.choose(MODEL)
    again.driver.until(lambda: again.driver.has("Access to tiny-chat-GGUF"))
    again.press("Access to tiny-chat-GGUF")
    again.driver.until(lambda: again.driver.has("Check again"))
    again.press("Check again")
    again.driver.until(lambda: again.driver.has("Open the vault"))
    QTest.keyClicks(again.driver.named("Passphrase of the vault", QLineEdit), "wrong horse")
    again.press("Open the vault")
    again.driver.until(lambda: bool(again.driver.errors()))
    assert "The passphrase is wrong." in again.driver.errors()[0].accessibleDescription()
    field = again.driver.named("Passphrase of the vault", QLineEdit)
    field.clear()
    QTest.keyClicks(field, "correct horse")
    again.press("Open the vault")
    again.until_step("Read and accept Apache License 2.0")


def test_offline_says_so_where_the_hub_was_wanted_and_asks_nobody(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine(), offline=True))
    walk.open_models()
    for words in ("acme", MODEL):
        walk.page.field.clear()
        QTest.keyClicks(walk.page.field, words)
        QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
        walk.driver.until(lambda: bool(walk.driver.errors()))
        assert "Latchkey is offline." in walk.driver.errors()[0].accessibleDescription()
    assert not hub.requests()


def test_a_token_can_be_kept_unchecked_while_the_hub_is_out_of_reach(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up()
    walk.press("Enter an access token")
    hub.inject(Fault("status", on="hub", path="whoami", status=503, times=None))
    enter_token(walk, hub.add_token(PERSON))
    walk.driver.until(lambda: bool(walk.driver.errors()))
    walk.press("Keep it unchecked")
    walk.driver.until(lambda: walk.driver.has("Continue"))
    assert "The token is kept unchecked." in text_of(walk.driver.window.pages.token)


def test_the_hub_is_searched_on_demand_only_and_what_it_found_leads_on(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    hub.add(FakeRepository("acme/open-GGUF", card={"license": "cc-by-nc-4.0"}, tags=["gguf"], downloads=9))
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    QTest.keyClicks(walk.page.field, "acme")
    assert "Search the Hub for acme" in button_names(walk.driver)
    assert not hub.requests()
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: walk.page.list.rows.headings == ["On the Hub, for “acme” · 2"])
    spoken = [walk.page.list.rows.index(row).data() for row in (1, 2)]
    assert spoken[0] == "tiny-chat-GGUF, acme, 1,234 downloads, Apache-2.0, Gated: its publisher approves"
    assert "Non-commercial" in spoken[1]
    QTest.keyClick(walk.page.field, Qt.Key.Key_Down)
    QTest.keyClick(walk.page.field, Qt.Key.Key_Up)
    walk.press("Ask the Hub about acme/tiny-chat-GGUF")
    walk.driver.until(lambda: walk.shown == MODEL and walk.page.detail.chooser is not None)
    assert walk.page.field.text() == ""


def test_a_pasted_address_of_a_file_chooses_that_file(
    open_window: Open, hub: FakeHub, repository: FakeRepository, tmp_path: Path
) -> None:
    repository.add_file("tiny-chat-Q4_K_M.gguf", tmp_path / "tiny.gguf")
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up(f"{hub.endpoint}/{MODEL}/blob/main/tiny-chat-Q8_0.gguf")
    assert walk.page.detail.chooser is not None
    rows = walk.page.detail.chooser.rows
    assert [row.file.quantization for row in rows if row.isChecked()] == ["Q8_0"]
    other = next(row for row in rows if not row.isChecked())
    other.setFocus()
    QTest.keyClick(other, Qt.Key.Key_Space)
    walk.driver.until(lambda: walk.page.chosen_file(MODEL) == "tiny-chat-Q4_K_M.gguf")
    assert walk.step == "Access token"


def test_a_list_that_was_read_before_the_look_up_takes_the_model_from_nobody(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    setup = walk.driver.backend.setup
    setup.list_outdated.connect(setup.select_pending)  # what a list that was under way ends with
    walk.look_up()
    other = next(each for each in walk.page.list.rows.ids if each != MODEL)
    walk.page.list.setCurrentIndex(walk.page.list.rows.index(walk.page.list.rows.row_of(other) or 0))
    setup.select_pending()
    assert walk.shown == other, "what a person chose since then was left again"


def test_what_is_not_there_is_told_under_the_words(open_window: Open, hub: FakeHub, repository: FakeRepository) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    QTest.keyClicks(walk.page.field, "acme/nothing-there")
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: bool(walk.driver.errors()))
    assert "There is no public model acme/nothing-there on the Hub." in walk.driver.errors()[0].accessibleDescription()
    walk.page.field.clear()
    walk.driver.until(lambda: not walk.driver.errors())


def test_a_request_is_followed_and_its_end_is_news_elsewhere_in_the_window(
    open_window: Open, hub: FakeHub, repository: FakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = hub.add_token(PERSON)
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.stand("pending")
    walk.look_up()
    walk.press("Enter an access token")
    enter_token(walk, good)
    walk.driver.until(lambda: walk.driver.has("Continue"))
    walk.press("Continue")
    walk.driver.until(lambda: walk.page.list.rows.index(walk.page.list.rows.row_of(MODEL) or 0).data() is not None)
    walk.driver.until(lambda: "Waiting for its publisher" in str(_card_state(walk)))
    following = walk.driver.backend.access.poller
    walk.driver.until(lambda: following.next_check_at(MODEL) > 0)
    walk.driver.window.show_page("")
    walk.stand("rejected")
    monkeypatch.setattr(
        following, "_clock", lambda: following._followed[MODEL].next + 1 if MODEL in following._followed else 0.0
    )
    following.check_due()
    walk.driver.until(lambda: walk.driver.has(f"Your request for {MODEL} was rejected."))
    assert following.next_check_at(MODEL) == 0.0, "what is decided is asked about no more"


def _card_state(walk: Walk) -> str:
    row = walk.page.list.rows.row_of(MODEL)
    face = walk.page.list.rows._card_texts[MODEL] if row is not None else None
    return face.state.text if face is not None else ""


def test_access_that_was_taken_back_is_told_on_the_model(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    good = hub.add_token(PERSON)
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.stand("granted")
    walk.look_up()
    walk.press("Enter an access token")
    enter_token(walk, good)
    walk.driver.until(lambda: walk.driver.has("Continue"))
    walk.press("Continue")
    walk.until_step("Read and accept Apache License 2.0")
    walk.stand("rejected")
    walk.driver.backend.access.check_access(MODEL)
    walk.driver.until(lambda: f"Your access to {MODEL} was taken back." in text_of(walk.page.detail))


def test_a_download_that_was_left_unfinished_is_there_after_a_restart(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    repository.gated = False
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up()
    accept_license(walk)
    walk.until_step("Download and verify")
    hub.rate = 40_000
    walk.press("Download the file")
    walk.driver.until(lambda: bool(walk.page.downloads.rows) and row_of(walk).item.progress.done > 0)
    walk.driver.close()

    hub.rate = None
    again = Walk(hub, repository, open_window(FakeEngine()))
    again.open_models()
    again.driver.until(lambda: bool(again.page.downloads.rows))
    assert row_of(again).item.progress.state == "paused"
    assert row_of(again).item.progress.done > 0
    again.press(row_of(again).buttons["resume"].accessibleName())
    again.driver.until(lambda: row_of(again).item.progress.state == "done")


def test_a_download_is_thrown_away_only_after_a_second_word(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    repository.gated = False
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up()
    accept_license(walk)
    walk.until_step("Download and verify")
    hub.rate = 40_000
    walk.press("Download the file")
    walk.driver.until(lambda: bool(walk.page.downloads.rows) and row_of(walk).item.progress.done > 0)
    walk.press(row_of(walk).buttons["cancel"].accessibleName())
    assert walk.driver.focused.startswith("Keep"), "the answer that changes nothing has the focus"
    walk.driver.key(Qt.Key.Key_Escape)
    assert walk.driver.focused.startswith("Cancel")
    walk.press(row_of(walk).buttons["cancel"].accessibleName())
    walk.press(next(name for name in button_names(walk.driver) if name.startswith("Throw away")))
    walk.driver.until(lambda: not walk.page.downloads.rows)
    walk.until_step("Download and verify")
    assert not [each for each in find_paths().models.rglob("*") if each.is_file()]


def test_a_failed_download_says_why_and_goes_on_when_asked(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    repository.gated = False
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.look_up()
    accept_license(walk)
    walk.until_step("Download and verify")
    hub.inject(Fault("wrong-bytes", at=1000, times=None))
    walk.press("Download the file")
    walk.driver.until(lambda: bool(walk.page.downloads.rows) and row_of(walk).item.progress.state == "failed")
    error = row_of(walk).item.error
    assert error is not None
    title = error.title
    walk.driver.until(lambda: title in text_of(row_of(walk)))  # shown by an event of its own
    hub.faults.clear()
    walk.press(row_of(walk).buttons["again"].accessibleName())
    walk.driver.until(lambda: row_of(walk).item.progress.state == "done")


def test_a_name_that_finds_nothing_leaves_no_other_model_at_the_right(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    walk.driver.until(lambda: walk.shown != "")

    def said() -> str:
        return text_of(walk.page.detail)

    QTest.keyClicks(walk.page.field, "acme/nothing-there")
    assert walk.shown == ""
    walk.driver.until(lambda: "No model is found by “acme/nothing-there”" in said())
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: bool(walk.driver.errors()))
    walk.driver.until(lambda: "There is no public model acme/nothing-there" in said())
    walk.page.field.clear()
    QTest.keyClicks(walk.page.field, "qqzz")
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: "The Hub has no GGUF model whose name holds “qqzz”" in said())
    assert walk.shown == ""
    walk.page.field.clear()
    assert walk.shown != ""


@pytest.mark.parametrize(
    "line",
    [
        f"ollama run hf.co/{MODEL}:latest",
        f"$ huggingface-cli download {MODEL} \\\n  tiny-chat-Q8_0.gguf --local-dir .",
        f"[tiny](https://huggingface.co/{MODEL}).",
    ],
)
def test_a_pasted_line_is_looked_up(open_window: Open, hub: FakeHub, repository: FakeRepository, line: str) -> None:
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    QApplication.clipboard().setText(line)
    walk.page.field.paste()
    assert f"Look up {MODEL} on the Hub" in button_names(walk.driver)
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: walk.shown == MODEL and walk.page.detail.chooser is not None)


def test_a_name_of_ollamas_library_is_said_to_be_one_and_searched_for(
    open_window: Open, hub: FakeHub, repository: FakeRepository
) -> None:
    hub.add(FakeRepository("acme/poet-7b-GGUF", card={"license": "mit"}, tags=["gguf"]))
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    QTest.keyClicks(walk.page.field, "ollama run poet:7b")
    assert "is a name in Ollama's own library" in text_of(walk.page.hub)
    assert "Search the Hub for poet 7b" in button_names(walk.driver)
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: walk.page.list.rows.ids == ["acme/poet-7b-GGUF"])


def test_a_question_that_was_stopped_is_no_mistake(
    open_window: Open,
    hub: FakeHub,
    repository: FakeRepository,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Future[object]] = []
    run = Background.pool
    monkeypatch.setattr(Background, "pool", lambda *each, **more: begun.append(run(*each, **more)))
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    hub.inject(Fault("silent", on="hub", path="api/models", times=None))
    QTest.keyClicks(walk.page.field, MODEL)
    QTest.keyClick(walk.page.field, Qt.Key.Key_Return)
    walk.driver.until(lambda: walk.page.hub.stop_button.isVisible() and bool(hub.requests()))
    walk.press("Stop asking the Hub")
    walk.driver.until(lambda: not walk.page.hub.stop_button.isVisible())
    walk.driver.until(lambda: all(each.done() for each in begun))
    assert any(isinstance(each.exception(), StoppedError) for each in begun)
    assert not [each for each in caplog.records if each.exc_info]
    assert not walk.driver.errors()


@pytest.mark.parametrize(
    "endpoint", ["no address", "https://", "https://ada:pw@hub.example.org", "ftp://hub.example.org"]
)
def test_an_address_of_the_hub_that_is_none_is_told_and_the_steps_stay(
    open_window: Open, hub: FakeHub, repository: FakeRepository, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    walk = Walk(hub, repository, open_window(FakeEngine()))
    walk.open_models()
    walk.driver.until(lambda: bool(walk.driver.errors()))
    assert "The address of the Hub is not one." in walk.driver.errors()[0].accessibleDescription()
    assert "pw" not in walk.driver.errors()[0].accessibleDescription()
    walk.page.choose("qwen3-4b")
    walk.driver.until(lambda: walk.shown == "qwen3-4b" and bool(walk.page.detail.steps))
    walk.page.field.setText("qwen zzz")
    walk.page.hub.submit()
    walk.driver.until(lambda: "is not one" in text_of(walk.page.detail))
    assert len(walk.driver.errors()) == 1


def test_a_model_that_came_after_the_models_were_listed_is_chosen_as_soon_as_it_is_listed(
    open_window: Open, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = import_and_accept(home, random_model(tmp_path / "late.gguf"))
    listed = Library.models
    come: list[bool] = []
    monkeypatch.setattr(Library, "models", lambda self: [each for each in listed(self) if come or each.id != late])

    def model_id(driver: Driver) -> str:
        model = driver.page.top_bar.model
        return model.id if model is not None else ""

    driver = open_window(FakeEngine())
    before = model_id(driver)
    driver.window.model_chosen.emit("nobody/no-such-model")
    driver.qtbot.wait(50)
    assert model_id(driver) == before, "a name that is nowhere changed the model"
    come.append(True)
    driver.window.model_chosen.emit(late)
    driver.until(lambda: model_id(driver) == late)
    driver.wait_ready()
    assert driver.ask("Hello").status == "complete"
    driver.close()
    again = open_window(FakeEngine())
    again.until(lambda: model_id(again) == late)
