"""`latchkey bench --transfer`: runs `packaging/transfer_benchmark.py` of the checkout, which writes JSON lines.

The script needs the fake Hub of the tests. Neither is part of an installed Latchkey, so nothing is measured there.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from desktop import errors
from desktop.cli.bench.bench_figures import TransferFigures
from desktop.errors import EngineError, NotFoundError, UserError
from desktop.paths import shipped_folder
from desktop.translation import language_in_use, tr


class TransferBenchProgress(msgspec.Struct, frozen=True, tag="progress"):
    """What is being measured now, as a line for people."""

    text: str


class TransferBenchDone(msgspec.Struct, frozen=True, tag="measured"):
    """All figures; nothing comes after it."""

    figures: TransferFigures


class TransferBenchFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A `UserError` that ended the measurement. `kind` is the name of its class in `desktop.errors`."""

    kind: str
    title: str
    detail: str
    remedy: str
    technical: str

    def error(self) -> UserError:
        """The error itself, of the same class."""
        kind: type[UserError] = getattr(errors, self.kind)
        return kind(self.title, self.detail, self.remedy, technical=self.technical)


TransferBenchMessage = TransferBenchProgress | TransferBenchDone | TransferBenchFailed


def transfer_bench_failed(error: UserError) -> TransferBenchFailed:
    """`error` as the message that ends the measurement."""
    kind = next(each.__name__ for each in type(error).__mro__ if each.__module__ == errors.__name__)
    return TransferBenchFailed(kind, error.title, error.detail, error.remedy, error.technical)


def measure_transfer(cache: Path, say: Callable[[str], None], *, quick: bool) -> TransferFigures:
    """The figures, measured in a folder below `cache` that is gone afterwards. `say` is told what is being measured.

    Raises NotFoundError outside of a checkout, and whatever UserError the measurement ends with.
    """
    script = shipped_folder() / "packaging" / "transfer_benchmark.py"
    if not script.is_file():
        raise NotFoundError(
            tr(
                "“latchkey bench --transfer” needs a checkout of Latchkey's source code: the server that it fetches "
                "from is not part of an installed Latchkey."
            )
        )
    cache.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="transfer-", dir=cache, ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as stderr,
    ):
        command = [sys.executable, "-P", str(script), folder, *_options(quick)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr) as process:
            try:
                return _figures(process, stderr, say)
            finally:
                process.kill()  # does nothing where it has ended


def _options(quick: bool) -> list[str]:
    options = ["--quick"] if quick else []
    if (language := language_in_use()) is not None:
        translations, name = language
        options += ["--translations", str(translations), "--language", name or ""]
    return options


def _figures(process: subprocess.Popen[bytes], stderr: IO[bytes], say: Callable[[str], None]) -> TransferFigures:
    decoder = msgspec.json.Decoder(TransferBenchMessage)
    assert process.stdout is not None
    for line in process.stdout:
        match decoder.decode(line):
            case TransferBenchProgress(text):
                say(text)
            case TransferBenchDone(figures):
                return figures
            case TransferBenchFailed() as failed:
                raise failed.error()
    code = process.wait()
    stderr.seek(0)
    raise EngineError(
        tr("The measurement of transfers ended early."),
        tr("Its exit code is {code}.").format(code=code),
        tr("The log says more."),
        technical=stderr.read().decode("utf-8", "replace"),
    )
