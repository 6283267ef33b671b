"""Draws given answers in the real window and takes their pictures: all of an answer, in both themes.

    python packaging/answer_gallery.py FOLDER [ANSWER.md ...] [--only WORD]

Each answer is put into a small model that says it word for word, so it comes through the real worker, its stream and
the window. Without ANSWER.md all answers of tests/data/answers are drawn. An answer with a table is drawn in narrower
windows and in larger text too. Pictures are taken of the screen where there is one (Xvfb will do), else of the window.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP), str(TOP / "packaging")]

from screenshots import Stage  # noqa: E402 - the path comes first

ANSWERS = TOP / "tests" / "data" / "answers"
_SIZE = (1280, 720)
_TABLE = re.compile(r"^[ >]*\|?[ :]*-+[ :]*\|", re.MULTILINE)
_MOST_PAGES = 8
_GO = "<|go|>"
_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}" + _GO + "{% endif %}"
)
"""A prompt that ends in a token which no answer holds."""


def furnish(home: Path, answer: str) -> None:
    """A home whose model says `answer`, accepted and chosen. `LATCHKEY_HOME` names it."""
    import license_scenes

    from desktop.library.library_services import build_library_services
    from desktop.paths import find_paths
    from tests.fakes.parrot import parrot

    (home / "config").mkdir(parents=True)
    file = parrot(home / "parrot.gguf", answer, template=_TEMPLATE, controls=[_GO])
    assembly = build_library_services(find_paths())
    model = assembly.importer.add(file)
    license_scenes.accept(assembly, model.id, "personal")
    assembly.ledger.close()
    chosen = {"version": 1, "theme": "light", "model": model.id, "sampling": {"temperature": 0, "max_tokens": 8000}}
    (home / "config" / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")


def take(source: Path, folder: Path) -> list[Path]:
    """Take every picture of one answer, in this process."""
    from desktop.ui.program import create

    answer = source.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="latchkey-", ignore_cleanup_errors=True) as home:
        os.environ["LATCHKEY_HOME"] = home
        furnish(Path(home), answer)
        application, window = create(["latchkey"])
        window.setGeometry(0, 0, *_SIZE)
        stage = Stage(application, window)
        stage.wait(lambda: window.chat is not None and window.chat_page.top_bar.progress is None)
        stage.settle()
        stage.ask("Show me.")
        said = window.chat_page.transcript.messages[-1].text
        if said != answer:
            print(f"{source.stem}: what was said is not the answer", file=sys.stderr)
        found = _pages(stage, folder / f"{source.stem}-light")
        window.settings_changed.emit({"theme": "dark"})
        found += _pages(stage, folder / f"{source.stem}-dark")
        if _TABLE.search(answer):
            for width in (900, 600):
                window.resize(width, _SIZE[1])
                found += _pages(stage, folder / f"{source.stem}-dark-{width}")
            window.resize(*_SIZE)
            window.settings_changed.emit({"text_scale": 1.5})
            found += _pages(stage, folder / f"{source.stem}-dark-large")
        window.close()
        application.processEvents()
    return found


def _pages(stage: Stage, name: Path) -> list[Path]:
    """Pictures of the transcript from its top to its end, a page of it each."""
    stage.settle()
    bar = stage.window.chat_page.transcript.verticalScrollBar()
    found: list[Path] = []
    at = bar.minimum()
    while len(found) < _MOST_PAGES:
        bar.setValue(at)
        stage.settle()
        file = name.with_name(f"{name.name}-{len(found) + 1}.png")
        screen = stage.window.screen()
        on_screen = stage.application.platformName() != "offscreen"
        picture = screen.grabWindow(0, 0, 0, stage.window.width(), stage.window.height())
        if not (picture if on_screen else stage.window.grab()).save(str(file)):
            raise OSError(f"cannot write {file}")
        found.append(file)
        if at >= bar.maximum():
            break
        at = min(at + bar.pageStep(), bar.maximum())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Take pictures of answers in the real window.")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("answers", nargs="*", type=Path, help="files of Markdown")
    parser.add_argument("--only", default="", help="only answers whose name holds this")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if "DISPLAY" not in os.environ:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    options.folder.mkdir(parents=True, exist_ok=True)
    answers = options.answers or sorted(ANSWERS.glob("*.md"))
    if options.one:
        for file in take(answers[0], options.folder):
            print(file)
        return 0
    failed = 0
    for answer in answers:
        if options.only in answer.name:
            # A process each: every answer begins with an empty home.
            command = [sys.executable, __file__, str(options.folder), str(answer), "--one"]
            failed += bool(subprocess.run(command, check=False).returncode)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
