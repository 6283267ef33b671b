"""`latchkey engine test`: which of llama.cpp's kernels compute rightly on this processor, and what is used of them."""

from argparse import Namespace
from collections.abc import Iterable, Sequence

from desktop.cli.command_context import CommandContext
from desktop.cli.doctor_checks import kernel_choice_text
from desktop.cli.exit_codes import DONE
from desktop.cli.output import CommandOutput
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_report import KernelReport, KernelResult
from desktop.errors import EngineError
from desktop.translation import tr

_MOST_FAILURES = 20


def run(options: Namespace, tools: CommandContext) -> int:
    """Test, keep what was found and print it; what models crashed with is forgotten.

    Raises EngineError where nothing works or the test cannot be made.
    """
    progress = _TestProgress(tools.output)
    check = tools.kernel_check
    try:
        report = check.test(on_result=progress.show)
    except OSError as error:
        raise EngineError(
            tr("The engine test could not be started."), str(error), tr("Install Latchkey again.")
        ) from error
    finally:
        check.close()
    FallbackStore(tools.paths.load_fallbacks).forget()  # what crashed before is tried again
    if options.json:
        tools.output.json(report)
    else:
        _print(report, tools.output)
    if report.chosen is None:
        raise EngineError(
            tr("llama.cpp computes nothing rightly on this processor."),
            report.problem[:1].upper() + report.problem[1:] + "." if report.problem else "",
            tr("Install Latchkey again on this machine, so that llama.cpp is compiled for it."),
        )
    return DONE


class _TestProgress:
    """One line that says how far the test is."""

    def __init__(self, output: CommandOutput) -> None:
        self._output = output
        self._variant, self._count = "", 0

    def show(self, result: KernelResult, of: int) -> None:
        self._count = self._count + 1 if result.variant == self._variant else 1
        self._variant = result.variant
        self._output.progress(
            tr("{type}, kernel {count} of {of}").format(
                type=f"{result.variant} {result.type}".strip(), count=self._count, of=of
            )
        )


def _print(report: KernelReport, output: CommandOutput) -> None:
    output.line(report.build)
    output.line(report.cpu)
    for variant in dict.fromkeys(each.variant for each in report.kernels):
        results = [each for each in report.kernels if each.variant == variant]
        output.line()
        if variant:
            output.line(tr("CPU variant {name}").format(name=variant))
        output.table(_table(results))
    output.line()
    wrong = [each for each in report.kernels if not each.ok]
    for each in wrong[:_MOST_FAILURES]:
        output.line(each.description)
    if len(wrong) > _MOST_FAILURES:
        output.line(tr("… and {count} more; --json gives all.").format(count=len(wrong) - _MOST_FAILURES))
    seconds = sum(each.seconds for each in report.kernels)
    output.line(
        tr("{count} kernels, {wrong} wrong, {seconds} s of computing.").format(
            count=len(report.kernels), wrong=len(wrong), seconds=f"{seconds:.1f}"
        )
    )
    if report.chosen is not None:
        output.line(tr("Used: {what}.").format(what=kernel_choice_text(report.chosen)))


def _table(results: Sequence[KernelResult]) -> list[list[str]]:
    """A line for each type: its products by buffer type, and attention over a KV cache of that type."""
    buffers = list(dict.fromkeys(each.buffer for each in results))
    rows = [[tr("type"), *buffers, tr("flash attention")]]
    for name in dict.fromkeys(each.type for each in results):
        of_type = [each for each in results if each.type == name]
        products = [each for each in of_type if each.operation != "FLASH_ATTN_EXT"]
        by_buffer = [_cell(each for each in products if each.buffer == buffer) for buffer in buffers]
        rows.append([name, *by_buffer, _cell(each for each in of_type if each.operation == "FLASH_ATTN_EXT")])
    return rows


def _cell(results: Iterable[KernelResult]) -> str:
    known = list(results)
    if not known:
        return "–"
    wrong = [each for each in known if not each.ok]
    if not wrong:
        return tr("right")
    return tr("WRONG: {wrong} of {count}").format(wrong=len(wrong), count=len(known))
