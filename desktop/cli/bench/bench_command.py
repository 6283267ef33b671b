"""`latchkey bench`: chooses what to measure, and shows what was found."""

import os
import platform
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from desktop.child_process_command import is_packaged
from desktop.cli.acceptance_prompt import admit_or_prompt
from desktop.cli.bench.answer_benchmark import AnswerFigures, measure_answers
from desktop.cli.bench.bench_engine import BenchLicenseCheck, bench_engine
from desktop.cli.bench.bench_figures import (
    BenchFigures,
    BenchMachine,
    BenchRounds,
    Comparison,
    SearchFigures,
    StartupFigures,
    TransferFigures,
    WindowFigures,
)
from desktop.cli.bench.bench_model import ONE_BILLION, QUICK, BenchModelShape, bench_model
from desktop.cli.bench.engine_benchmark import (
    BareLoopProcess,
    EngineFigures,
    TimedEngine,
    measure_beside_busy_core,
    measure_engine,
)
from desktop.cli.bench.search_benchmark import measure_search
from desktop.cli.bench.transfer_process import measure_transfer
from desktop.cli.bench.window_bench_setup import RANDOM_WEIGHTS
from desktop.cli.bench.window_benchmark import measure_startup, measure_window
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.cli.output import CommandOutput
from desktop.cli.terminal_answer import load_model
from desktop.engine.engine_protocol import Engine, LoadCheck
from desktop.engine.hardware import cpu_name, total_memory, usable_cores
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import ModelInfo
from desktop.errors import NotFoundError
from desktop.library.library_model import LibraryModel
from desktop.translation import tr

_CONTEXT = 4608  # a prompt of 4,000 tokens and an answer


class _BenchExtent(msgspec.Struct, frozen=True):
    """How long to measure: rounds of each figure, tokens of each answer, tokens of a conversation that is kept,
    messages that are searched."""

    rounds: BenchRounds
    decode_tokens: int
    window_tokens: int
    conversation_tokens: int
    messages: int


@dataclass(frozen=True)
class _BenchSubject:
    """What is measured: the model, the license check of its engine, and how a window's process is told of it."""

    model: LibraryModel
    license_check: LoadCheck
    arguments: tuple[str, ...]


_LONG = _BenchExtent(
    rounds=BenchRounds(5, 5), decode_tokens=128, window_tokens=192, conversation_tokens=4000, messages=100_000
)
_USUAL = _BenchExtent(
    rounds=BenchRounds(3, 2), decode_tokens=32, window_tokens=40, conversation_tokens=2000, messages=100_000
)
_SHORT = _BenchExtent(
    rounds=BenchRounds(1, 1), decode_tokens=24, window_tokens=32, conversation_tokens=300, messages=3_000
)


def run(options: Namespace, tools: CommandContext) -> int:
    """Measure, print, and leave nothing running. Raises NotFoundError in a packaged executable, which has no Python to
    run a baseline with."""
    if is_packaged():
        raise NotFoundError(
            tr("“latchkey bench” is not part of this package: it needs Latchkey from pip, or its source code.")
        )
    if options.transfer:
        return _transfer(options, tools)
    extent = _SHORT if options.quick else _LONG if options.long else _USUAL
    if options.model:
        model = tools.library.find(options.model)
        admit_or_prompt(tools, model)
        subject = _BenchSubject(model, tools.license_check, (str(model.path),))
    else:
        subject = _weights(QUICK if options.quick else ONE_BILLION, tools)
    figures = _measure(subject, extent, tools, window_only=options.window)
    if options.json:
        tools.output.json(figures)
    else:
        print_figures(figures, tools.output)
    return DONE


def _transfer(options: Namespace, tools: CommandContext) -> int:
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    measured = measure_transfer(tools.paths.cache / "bench", tools.output.progress, quick=options.quick)
    machine = BenchMachine(
        cpu=cpu_name(),
        cores=usable_cores(),
        threads=usable_cores(),
        memory=total_memory() or 0,
        system=platform.platform(),
        engine="",
        model="",
        parameters=0,
        load_average=load_average,
    )
    figures = BenchFigures(machine, transfer=measured)
    if options.json:
        tools.output.json(figures)
    else:
        print_figures(figures, tools.output)
    return DONE


def _weights(shape: BenchModelShape, tools: CommandContext) -> _BenchSubject:
    """What this program wrote itself, for which no license is asked."""
    tools.output.progress(tr("Writing a model of random weights…"))
    written = bench_model(shape, tools.paths.cache / "bench")
    return _BenchSubject(tools.library.find(str(written.path)), BenchLicenseCheck(shape), (RANDOM_WEIGHTS, shape.name))


def _measure(subject: _BenchSubject, extent: _BenchExtent, tools: CommandContext, *, window_only: bool) -> BenchFigures:
    say, model, license_check = tools.output.progress, subject.model, subject.license_check
    settings = tools.settings
    params = LoadParams(
        str(model.path),
        context_length=_CONTEXT,
        threads=settings.threads,
        gpu_layers=settings.gpu_layers,
        parallel=settings.parallel_answers,
    )
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    startup, first_paint_ms = measure_startup(extent.rounds.most, say)
    measured: EngineFigures | None = None
    busy_core: Comparison | None = None
    answers: AnswerFigures | None = None
    with closing(bench_engine(tools.paths, license_check)) as engine:
        info = load_model(engine, model, params, tools.output)
        if not window_only:
            bare_loop: Callable[..., BareLoopProcess] = partial(BareLoopProcess, model.path, info, license_check)
            timed = TimedEngine(engine)
            timed.calibrate()
            measured = measure_engine(timed, info, bare_loop, extent.rounds, extent.decode_tokens, say)
            reload = partial(_reload, engine, model, params, tools)
            room = min(extent.conversation_tokens, info.context_length - 600)
            counts = subject.arguments[0] == RANDOM_WEIGHTS
            answers = measure_answers(timed, reload, extent.rounds, extent.decode_tokens, room, say, counts=counts)
            say(tr("Decoding beside a busy process…"))
            busy_core = measure_beside_busy_core(
                engine, lambda cores: bare_loop(cores=cores), extent.rounds, extent.decode_tokens
            )
        window = measure_window(
            engine, info, params, subject.arguments, extent.rounds, extent.window_tokens, first_paint_ms, say
        )
    machine = _machine(model, info, load_average)
    if measured is None or answers is None:
        return BenchFigures(machine, startup=startup, window=window, search=measure_search(extent.messages, say))
    return BenchFigures(
        machine,
        decode=measured.decode,
        decode_beside_busy_core=busy_core,
        prefill=measured.prefill,
        parallel=measured.parallel,
        bare_parallel=measured.bare_parallel,
        stop_ms=measured.stop_ms,
        startup=startup,
        window=window,
        **msgspec.structs.asdict(answers),
    )


def _reload(engine: Engine, model: LibraryModel, params: LoadParams, tools: CommandContext) -> None:
    """Unload the model, and load it again."""
    engine.unload()
    load_model(engine, model, params, tools.output)


def _machine(model: LibraryModel, info: ModelInfo, load_average: float | None) -> BenchMachine:
    return BenchMachine(
        cpu=cpu_name(),
        cores=usable_cores(),
        threads=info.threads,
        memory=total_memory() or 0,
        system=platform.platform(),
        engine=info.engine,
        model=Path(model.path).name,
        parameters=info.parameters,
        load_average=load_average,
    )


def print_figures(figures: BenchFigures, output: CommandOutput) -> None:
    """Print the figures as a table."""
    machine = figures.machine
    output.line(f"{machine.cpu}, {machine.threads} threads, {machine.system}")
    if machine.model:
        output.line(f"{machine.model}, {machine.parameters / 1e9:.2f} B parameters, {machine.engine}")
    output.line()
    rows: list[tuple[str, ...]] = [("", tr("ours"), tr("baseline"), tr("ratio"), tr("spread"))]
    rows += _speed(tr("decode, tokens/s"), figures.decode)
    rows += _speed(tr("decode beside a busy process, tokens/s"), figures.decode_beside_busy_core)
    rows += _speed(tr("prefill, tokens/s"), figures.prefill)
    rows += _window(figures.window)
    rows += _startup(figures.startup)
    rows += _search(figures.search)
    if figures.stop_ms is not None:
        rows.append((tr("Stop while reading, ms"), f"{figures.stop_ms:.1f}", "", ""))
    tokens = f"{figures.conversation_tokens:,}" if figures.conversation_tokens is not None else "–"
    for name, ratio in (
        (tr("first token, next turn, against reading {tokens} tokens"), figures.ttft_warm_ratio),
        (tr("first token, back in a conversation, against reading its {tokens} tokens"), figures.switch_ratio),
        (tr("first token, reopened conversation, against reading its {tokens} tokens"), figures.reopen_ratio),
    ):
        rows += [(name.format(tokens=tokens), "", "", f"{ratio:.3f}")] if ratio is not None else []
    rows += _speed(tr("copying with guesses and without, tokens/s"), figures.copying)
    rows += _speed(tr("copying with one change, with guesses and without, tokens/s"), figures.copying_changed)
    rows += _speed(tr("inventing with guesses and without, tokens/s"), figures.inventing)
    rows += _speed(tr("under a JSON schema and free, tokens/s"), figures.schema)
    rows += _speed(tr("four answers at once and one, tokens/s"), figures.parallel)
    rows += _speed(tr("the same in the bare loop, tokens/s"), figures.bare_parallel)
    rows += _transfers(figures.transfer)
    output.table([(*row, "") if len(row) < len(rows[0]) else row for row in rows])


def _transfers(found: TransferFigures | None) -> list[tuple[str, str, str, str]]:
    if found is None:
        return []
    rows = [(tr("fetching from a throttled server, MB/s"), found.throttled)]
    if found.against_curl is not None:
        rows.insert(0, (tr("fetching over loopback, beside curl, MB/s"), found.against_curl))
    return [(name, f"{each.ours / 1e6:.1f}", f"{each.baseline / 1e6:.1f}", f"{each.ratio:.3f}") for name, each in rows]


def _speed(name: str, compared: Comparison | None) -> list[tuple[str, ...]]:
    if compared is None:
        return []
    apart = f"{compared.spread:.1%}" if compared.spread is not None else ""
    return [(name, f"{compared.ours:.1f}", f"{compared.baseline:.1f}", f"{compared.ratio:.3f}", apart)]


def _window(window: WindowFigures | None) -> list[tuple[str, str, str, str]]:
    if window is None:
        return []
    return [
        (
            tr("decode while the window draws, tokens/s"),
            f"{window.tokens_per_s:.1f}",
            f"{window.baseline:.1f}",
            f"{window.ratio:.3f}",
        ),
        (tr("frame, half are quicker, ms"), f"{window.frame_p50_ms:.1f}", "", ""),
        (tr("frame, 99 of 100 are quicker, ms"), f"{window.frame_p99_ms:.1f}", "", ""),
        (tr("first paint, ms"), f"{window.first_paint_ms:.0f}", "", ""),
    ]


def _search(search: SearchFigures | None) -> list[tuple[str, str, str, str]]:
    if search is None:
        return []
    figures = (
        (tr("search, the first after a start, ms"), search.first_ms),
        (tr("search, a common word, ms"), search.common_ms),
        (tr("search, a rare word, ms"), search.rare_ms),
        (tr("search, two words, ms"), search.several_ms),
        (tr("search, Chinese, ms"), search.unspaced_ms),
        (tr("search, a sign that is no word, ms"), search.symbols_ms),
    )
    return [(name, f"{value:.1f}", "", "") for name, value in figures]


def _startup(startup: StartupFigures | None) -> list[tuple[str, str, str, str]]:
    if startup is None:
        return []
    return [
        (
            tr("start to usable window, ms"),
            f"{startup.ours_ms:.0f}",
            f"{startup.baseline_ms:.0f}",
            f"{startup.ratio:.2f}",
        )
    ]
