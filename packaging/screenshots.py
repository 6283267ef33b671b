"""Writes pictures of the real window, in both themes, sharp at one and two device pixels per pixel.

    python packaging/screenshots.py [FOLDER] [--only NAME] [--size 2560x1440] [--scale 1.25]

Without FOLDER the two pictures of the README go to packaging/screenshots/ and all others to build/screenshots/. No
display is needed. Answers are the built-in model's own, except where a picture needs what it cannot give: those come
from the scripted engine and have "scripted" in their names. Those with "real" in their names are a real model's, and
need the file that `make real-model` brings.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP), str(TOP / "packaging")]

import access_scenes  # noqa: E402 - the path comes first
import chat_document_scenes  # noqa: E402
import chat_scenes  # noqa: E402
import chat_tool_scenes  # noqa: E402
import document_scenes  # noqa: E402
import license_scenes  # noqa: E402
import network_scenes  # noqa: E402
import real_scenes  # noqa: E402
import server_scenes  # noqa: E402
import tool_scenes  # noqa: E402

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from desktop.ui.backend import Backend
    from desktop.ui.window.main_window import MainWindow
    from tests.fakes.fake_engine import FakeAnswer

_PATIENCE_S = 120.0
_README = ("chat-light", "chat-dark")

LONG_ANSWER = """\
Split on the dash, take month and year from the right side, and let **datetime** refuse what is not a date:

```python
from datetime import datetime

def date_range(text):
    left, right = text.replace("–", "-").split("-")
    end = datetime.strptime(right.strip(), "%d %B %Y")
    return end.replace(day=int(left)).date(), end.date()
```

Three things go wrong:

1. a range that *crosses a month*, such as “28 February – 3 March 2026”,
2. a locale whose month names differ,
3. a day that the first month lacks: `end.replace(day=31)` raises `ValueError` in February.

| Input | Result |
| --- | --- |
| `3–7 March 2026` | 3 March to 7 March 2026 |
| `28–31 February 2026` | `ValueError`: day is out of range |

> Dates are local agreements. Ask which calendar, which zone and which language first.
"""


@dataclasses.dataclass(frozen=True)
class Scene:
    """One picture: what is done before it is taken, at which size, theme and scale, and with which engine.

    `licenses` says what was accepted before, `network` what stands in the log of requests; `hub`
    runs a fake Hub on this machine meanwhile. `real` has the real model answer.
    """

    name: str
    act: Callable[["Stage"], None]
    theme: str = "light"
    width: int = 1280
    height: int = 800
    scale: float = 1
    answers: tuple["FakeAnswer", ...] = ()
    damaged: bool = False
    licenses: Literal["built-in", "none", "waiting", "many", "broken"] = "built-in"
    network: Literal["none", "log", "held"] = "none"
    hub: bool = False
    real: bool = False


class Stage:
    """The running window and what a scene does with it."""

    def __init__(self, application: "QApplication", window: "MainWindow") -> None:
        self.application, self.window = application, window

    @property
    def backend(self) -> "Backend":
        """What stands behind the window."""
        from desktop.ui.program import Program

        program = next(each for each in self.window.children() if isinstance(each, Program))
        assert program.backend is not None
        return program.backend

    def wait(self, until: Callable[[], bool] = lambda: False, seconds: float = _PATIENCE_S) -> None:
        """Let the window live until something holds (or for `seconds`)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.application.processEvents()
            time.sleep(0.005)

    def settle(self) -> None:
        """Let what is under way be drawn."""
        self.wait(seconds=0.4)

    def ask(self, question: str, *, finish: bool = True) -> None:
        """Type a question, send it, and wait for the answer."""
        page, chat = self.window.chat_page, self.window.chat
        assert chat is not None
        before = len(page.transcript.messages)
        page.composer.set_text(question)
        page.composer.button.click()
        self.wait(lambda: len(page.transcript.messages) >= before + 2)
        if finish:
            self.wait(lambda: not chat.is_answering())
        self.settle()


def chat(stage: Stage) -> None:
    stage.ask("How do I add a model?")
    stage.ask("Are my chats private?")
    stage.ask("What is a gated model?")


def long_answer(stage: Stage) -> None:
    stage.ask("Parse “3–7 March 2026” into two dates in Python. What can go wrong?")
    stage.window.chat_page.transcript.verticalScrollBar().setValue(0)
    stage.settle()


def streaming(stage: Stage) -> None:
    stage.ask("Parse “3–7 March 2026” into two dates in Python. What can go wrong?", finish=False)
    stage.wait(seconds=3)


def failed_answer(stage: Stage) -> None:
    stage.ask("What does a license acknowledgement record?")
    stage.settle()


def nothing(stage: Stage) -> None:
    stage.settle()


def models(stage: Stage) -> None:
    stage.window.show_page("models")
    stage.wait(lambda: stage.window.models_page.list.rows.rowCount() > 0)
    stage.settle()


def settings(stage: Stage) -> None:
    stage.window.show_page("settings")
    stage.settle()


def settings_end(stage: Stage) -> None:
    settings(stage)
    column = stage.window.settings_page.column
    column.verticalScrollBar().setValue(column.verticalScrollBar().maximum())
    stage.settle()


def go_to(stage: Stage) -> None:
    stage.ask("Which quantization should I choose?")
    stage.window.actions_table["go-to"].trigger()
    stage.settle()


def find(stage: Stage) -> None:
    stage.ask("How do I add a model?")
    stage.window.actions_table["find"].trigger()
    stage.window.chat_page.find_bar.field.setText("model")
    stage.settle()


def scenes() -> list[Scene]:
    from tests.fakes.fake_engine import FakeAnswer

    code = (FakeAnswer(LONG_ANSWER, thinking="A dash, two days, one month.", tokens_per_s=900, prompt_tokens=2113),)
    slow = (dataclasses.replace(code[0], tokens_per_s=30),)
    scripts = (FakeAnswer(chat_scenes.SCRIPTS_ANSWER, tokens_per_s=900),)
    cited = (FakeAnswer(chat_document_scenes.CITED_ANSWER, tokens_per_s=900, prompt_tokens=2113),)
    dying = (FakeAnswer("It records who accepted which text, when, and for which purpose. The text is", dies_after=11),)
    found = []
    for theme in ("light", "dark"):
        found += [
            Scene(f"chat-{theme}", chat, theme),
            Scene(f"chat-{theme}-720", chat, theme, height=720),
            Scene(f"chat-{theme}-2x", chat, theme, scale=2),
            Scene(f"empty-{theme}", nothing, theme),
            Scene(f"models-{theme}", models, theme),
            Scene(f"settings-{theme}", settings, theme),
            Scene(f"settings-end-{theme}", settings_end, theme, height=720),
            Scene(f"go-to-{theme}", go_to, theme),
            Scene(f"find-{theme}", find, theme, width=1000, height=720),
            Scene(f"damaged-{theme}", nothing, theme, damaged=True),
            Scene(f"long-scripted-{theme}", long_answer, theme, answers=code),
            Scene(f"long-scripted-{theme}-2x", long_answer, theme, scale=2, answers=code),
            Scene(f"streaming-scripted-{theme}", streaming, theme, answers=slow),
            Scene(f"writing-scripted-{theme}", chat_scenes.scripts, theme, answers=scripts),
            Scene(f"images-{theme}", chat_scenes.images, theme),
            Scene(f"search-{theme}", chat_scenes.search, theme),
            Scene(f"prompts-{theme}", chat_scenes.prompts, theme),
            Scene(f"compare-{theme}", chat_scenes.compare, theme),
            Scene(f"panel-{theme}", chat_scenes.panel, theme),
            Scene(f"long-paste-{theme}", chat_scenes.long_paste, theme),
            Scene(f"failed-scripted-{theme}", failed_answer, theme, answers=dying),
            Scene(f"license-{theme}", license_scenes.step_filled, theme),
            Scene(f"license-{theme}-2x", license_scenes.step, theme, scale=2),
            Scene(f"license-{theme}-720", license_scenes.step, theme, height=720),
            Scene(f"license-permissive-{theme}", license_scenes.permissive, theme, licenses="waiting"),
            Scene(f"difference-{theme}", license_scenes.difference, theme, licenses="many"),
            Scene(f"licenses-{theme}", license_scenes.ledger, theme, licenses="many"),
            Scene(f"licenses-{theme}-2x", license_scenes.ledger, theme, scale=2, licenses="many"),
            Scene(f"licenses-empty-{theme}", license_scenes.ledger, theme, licenses="none"),
            Scene(f"licenses-broken-{theme}", license_scenes.ledger, theme, licenses="broken"),
            Scene(f"refused-{theme}", license_scenes.refused, theme, licenses="waiting"),
            Scene(f"network-{theme}", network_scenes.log, theme, network="log"),
            Scene(f"network-{theme}-720", network_scenes.chosen, theme, height=720, network="log"),
            Scene(f"network-{theme}-2x", network_scenes.log, theme, scale=2, network="log"),
            Scene(f"network-filtered-{theme}", network_scenes.filtered, theme, network="log"),
            Scene(f"network-empty-{theme}", network_scenes.log, theme),
            Scene(f"network-offline-{theme}", network_scenes.off_line, theme, network="log"),
            Scene(f"network-held-{theme}", network_scenes.log, theme, network="held"),
            Scene(f"network-settings-{theme}", network_scenes.settings, theme, height=720),
            Scene(f"attached-{theme}", chat_document_scenes.attached, theme, answers=cited),
            Scene(f"attached-{theme}-2x", chat_document_scenes.attached, theme, height=720, scale=2, answers=cited),
            Scene(f"attached-asked-{theme}", chat_document_scenes.asked, theme, height=720, answers=cited),
            Scene(f"cited-scripted-{theme}", chat_document_scenes.cited, theme, height=720, answers=cited),
            Scene(f"cited-scripted-{theme}-2x", chat_document_scenes.cited, theme, scale=2, answers=cited),
            Scene(f"cited-narrow-scripted-{theme}", chat_document_scenes.cited, theme, width=760, answers=cited),
            Scene(f"source-scripted-{theme}", chat_document_scenes.source, theme, height=720, answers=cited),
            Scene(f"documents-{theme}", document_scenes.collections, theme),
            Scene(f"documents-{theme}-2x", document_scenes.collections, theme, scale=2),
            Scene(f"documents-narrow-{theme}", document_scenes.password, theme, width=820, height=720),
            Scene(f"documents-empty-{theme}", document_scenes.empty, theme),
            Scene(f"documents-search-{theme}", document_scenes.search, theme),
            Scene(f"documents-passage-{theme}", document_scenes.passage, theme, height=720),
            Scene(f"documents-settings-{theme}", document_scenes.settings, theme, height=720),
            Scene(f"documents-guide-{theme}", document_scenes.guide, theme),
            *_of_tools(theme),
            *_of_the_server(theme),
            *_on_the_way(theme),
            *_calls(theme),
            Scene(f"real-readme-{theme}", real_scenes.readme, theme, height=1000, real=True),
            Scene(f"real-conversation-{theme}", real_scenes.conversation, theme, height=1100, real=True),
            Scene(f"real-models-{theme}", real_scenes.models, theme, real=True),
            Scene(f"network-narrow-{theme}", network_scenes.log, theme, width=820, height=720, network="log"),
        ]
    return found


def _of_the_server(theme: str) -> list[Scene]:
    """The server for other programs, and engines elsewhere."""
    return [
        Scene(f"server-{theme}", server_scenes.on, theme),
        Scene(f"server-{theme}-2x", server_scenes.on, theme, scale=2),
        Scene(f"server-off-{theme}", server_scenes.off, theme, height=720),
        Scene(f"server-narrow-{theme}", server_scenes.on, theme, width=820, height=1200),
        Scene(f"server-wide-{theme}", server_scenes.on, theme, width=2560, height=1440),
        Scene(f"server-more-{theme}", server_scenes.more, theme),
        Scene(f"server-open-{theme}", server_scenes.open_wider, theme, height=720),
        Scene(f"server-taken-{theme}", server_scenes.port_taken, theme, height=720),
        Scene(f"server-form-{theme}", server_scenes.form, theme, height=720),
    ]


def _of_tools(theme: str) -> list[Scene]:
    """Tool servers and their tools."""
    return [
        Scene(f"tools-{theme}", tool_scenes.servers, theme),
        Scene(f"tools-{theme}-2x", tool_scenes.servers, theme, scale=2),
        Scene(f"tools-narrow-{theme}", tool_scenes.servers, theme, width=820, height=720),
        Scene(f"tools-empty-{theme}", tool_scenes.empty, theme),
        Scene(f"tools-allow-{theme}", tool_scenes.allow, theme, height=720),
        Scene(f"tools-failed-{theme}", tool_scenes.failed, theme, height=720),
        Scene(f"tools-tool-{theme}", tool_scenes.tool, theme),
        Scene(f"tools-log-{theme}", tool_scenes.log, theme, height=720),
        Scene(f"tools-form-{theme}", tool_scenes.form, theme, height=720),
        Scene(f"tools-guide-{theme}", tool_scenes.guide, theme),
    ]


def _calls(theme: str) -> list[Scene]:
    """Tools called in a chat."""
    acts = {
        "asked": chat_tool_scenes.asked,
        "several": chat_tool_scenes.several,
        "edited": chat_tool_scenes.edited,
        "done": chat_tool_scenes.done,
        "unfolded": chat_tool_scenes.unfolded,
        "unfolded-end": chat_tool_scenes.unfolded_end,
        "out-of-sight": chat_tool_scenes.out_of_sight,
        "panel": chat_tool_scenes.panel,
    }
    found = [Scene(f"calls-{name}-{theme}", act, theme, height=720) for name, act in acts.items()]
    found.append(Scene(f"calls-narrow-{theme}", acts["several"], theme, width=640, height=720))
    return [
        *found,
        *(Scene(f"calls-{name}-{theme}-2x", acts[name], theme, height=720, scale=2) for name in ("asked", "done")),
    ]


def _on_the_way(theme: str) -> list[Scene]:
    """From a name to a verified file."""
    acts = {
        "get-looked": access_scenes.look,
        "get-files": access_scenes.look_end,
        "get-search": access_scenes.search,
        "get-offline": access_scenes.off_line,
        "token": access_scenes.token,
        "token-vault": access_scenes.token_vault,
        "token-bad": access_scenes.token_bad,
        "token-lacks": access_scenes.token_lacks,
        "token-saved": access_scenes.token_saved,
        "gate": access_scenes.standing("not-requested"),
        "gate-pending": access_scenes.standing("pending"),
        "gate-rejected": access_scenes.standing("rejected"),
        "get-requested": access_scenes.standing("not-requested", page=True),
        "get-waiting": access_scenes.standing("pending", page=True),
        "get-granted": access_scenes.standing("granted", page=True),
        "get-news": access_scenes.news,
        "downloads-scripted": access_scenes.downloads,
        "add-file": access_scenes.adding,
        "add-drop": access_scenes.dropping,
        "add-elsewhere": access_scenes.elsewhere,
        "file-changed": access_scenes.changed,
    }
    found = [Scene(f"{name}-{theme}", act, theme, height=720, hub=True) for name, act in acts.items()]
    large = ("get-looked", "token", "gate-pending", "downloads-scripted")
    return [*found, *(Scene(f"{name}-{theme}-2x", acts[name], theme, height=720, scale=2, hub=True) for name in large)]


def furnish(home: Path, scene: Scene) -> None:
    """Give the scene's home its settings, and conversations of other days."""
    from desktop.conversation import Conversation, Message, TextPart
    from desktop.storage.conversation_store import ConversationStore
    from desktop.storage.database import Database

    os.environ["LATCHKEY_HOME"] = str(home)
    chosen = {"version": 1, "theme": scene.theme, "sampling": {"temperature": 0, "seed": 1}}
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")
    (home / "data").mkdir()
    path = home / "data" / "latchkey.db"
    if scene.damaged:
        path.write_bytes(b"SQLite format 3\0" + b"\0damaged" * 600)
        return
    database = Database(path)
    store = ConversationStore(database)
    now, day = time.time(), 86400.0
    older = (
        ("Thesis: related work", 9.0, True),
        ("Translate the lease", 0.01, False),
        ("Why is the build slow?", 0.02, False),
        ("Plan for the reading group", 1.0, False),
        ("Compare Pythia and Dolly", 1.01, False),
        ("Notes on CC BY-NC-SA", 4.0, False),
    )
    for number, (title, age, pinned) in enumerate(older):
        at = now - age * day
        key = f"older-{number}"
        store.create(Conversation(key, title, "person", at, at, pinned=pinned))
        store.add_message(Message(f"{key}-1", key, None, "user", (TextPart(title),), created_at=at))
        store.update(Conversation(key, title, "person", at, at, leaf_id=f"{key}-1", pinned=pinned))
    database.close()
    if scene.network != "none":
        network_scenes.furnish(home)
    if scene.network == "held":
        network_scenes.keep_off_line(home)
    if scene.licenses == "waiting":
        license_scenes.wait(home)
    elif scene.licenses != "none":
        license_scenes.furnish(home, desk=scene.licenses != "built-in", broken=scene.licenses == "broken")
    if scene.real:
        real_scenes.furnish(home)


def take(scene: Scene, file: Path) -> None:
    """Take one picture, in this process."""
    from desktop.ui.program import create
    from tests.fakes.fake_engine import FakeEngine

    fake = access_scenes.hub() if scene.hub else contextlib.nullcontext()
    with fake, tempfile.TemporaryDirectory(prefix="latchkey-", ignore_cleanup_errors=True) as folder:
        furnish(Path(folder), scene)
        engine = FakeEngine(scene.answers, model_name="Scripted", context_length=8192) if scene.answers else None
        application, window = create(["latchkey"], engine=engine)
        window.resize(scene.width, scene.height)
        stage = Stage(application, window)
        if not scene.damaged:
            stage.wait(lambda: window.chat is not None and window.chat_page.top_bar.progress is None)
        stage.settle()
        scene.act(stage)
        if not window.grab().save(str(file)):
            raise OSError(f"cannot write {file}")
        window.close()
        application.processEvents()


def main() -> int:
    parser = argparse.ArgumentParser(description="Write pictures of the window.")
    parser.add_argument("folder", nargs="?", type=Path, help="where all of them go")
    parser.add_argument("--only", default="", help="only pictures whose name holds this")
    parser.add_argument("--size", default="", metavar="WIDTHxHEIGHT", help="make all of them so large")
    parser.add_argument("--scale", type=float, default=0.0, help="device pixels per pixel of all of them")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    table = {scene.name: scene for scene in scenes()}
    if options.one:
        take(_sized(table[options.one], options), options.folder)
        return 0
    for scene in table.values():
        if options.only not in scene.name:
            continue
        if scene.real and not real_scenes.is_there():
            print(f"{scene.name}: left out, as `make real-model` was not run", file=sys.stderr)
            continue
        folder = options.folder or TOP / ("packaging" if scene.name in _README else "build") / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = "-".join(filter(None, (scene.name, options.size, f"{options.scale:g}x" if options.scale else "")))
        file = folder / f"{wanted}.png"
        environment = {**os.environ, "QT_SCALE_FACTOR": str(options.scale or scene.scale)}
        # A process each: the scale cannot change while Qt runs, and every picture begins with an empty home.
        command = [sys.executable, __file__, str(file), "--one", scene.name, "--size", options.size]
        ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if ended.returncode:
            print(f"{scene.name}: failed\n{ended.stderr}", file=sys.stderr)
            return 1
        print(file)
    return 0


def _sized(scene: Scene, options: argparse.Namespace) -> Scene:
    """`scene` in the size that the command line says."""
    if not options.size:
        return scene
    width, height = map(int, options.size.split("x"))
    return dataclasses.replace(scene, width=width, height=height)


if __name__ == "__main__":
    sys.exit(main())
