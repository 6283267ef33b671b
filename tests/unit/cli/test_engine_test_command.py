"""`latchkey engine test` and what `latchkey doctor` says of it, on a processor with faults."""

import io
import json
from typing import Any

import pytest

from desktop.cli import engine_test_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.doctor_checks import check_kernels, kernels_line
from desktop.cli.output import CommandOutput
from desktop.engine.fallback_store import FallbackRecord, FallbackStore, LoadLimits, ModelFileIdentity
from desktop.engine.kernel_check import KernelCheck
from desktop.engine.kernel_report import KernelChoice
from desktop.errors import EngineError, UserError
from desktop.paths import find_paths
from tests.unit.engine.test_kernel_run import faulty


class FaultyTools(CommandContext):
    """The command's parts on a processor with these faults."""

    def __init__(self, *faults: dict[str, Any], **spec: Any) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO())
        self.kernel_check = KernelCheck(self.paths.engine_test_file, command=faulty(*faults, **spec))


def ask(tools: CommandContext, *arguments: str) -> int:
    return engine_test_command.run(parser().parse_args(["engine", "test", *arguments]), tools)


def test_json_is_what_the_contract_says() -> None:
    tools = FaultyTools()
    assert ask(tools, "--json") == 0
    report = json.loads(tools.out.getvalue())
    assert {"build", "cpu", "kernels", "chosen"} <= report.keys()
    assert report["chosen"] == {"variant": "", "extra_buffers": True, "flash_attention": True}
    for kernel in report["kernels"]:
        assert {"type", "batch", "rows", "ok", "seconds"} <= kernel.keys()
        assert kernel["ok"] is True
        assert kernel["seconds"] > 0
    assert {kernel["batch"] for kernel in report["kernels"]} == {1, 8, 32, 512}


def test_people_read_which_kernel_died_and_what_is_off() -> None:
    tools = FaultyTools({"how": "SIGSEGV", "operation": "FLASH_ATTN_EXT", "type": "Q8_0", "batch": 8})
    assert ask(tools) == 0
    shown = tools.out.getvalue()
    assert "WRONG: 1 of 4" in shown
    assert (
        "FLASH_ATTN_EXT Q8_0 in CPU, batch 8, 512 rows: the process died: it was ended by the signal SIGSEGV" in shown
    )
    assert "flash attention OFF" in shown


def test_what_models_crashed_with_is_tried_again_after_a_new_test() -> None:
    tools = FaultyTools()
    store = FallbackStore(tools.paths.load_fallbacks)
    file = ModelFileIdentity("/models/m.gguf", 1, 1)
    store.save(FallbackRecord(file, "here", LoadLimits(extra_buffers=False)))
    assert ask(tools) == 0
    assert store.find(file, "here") is None


def test_each_variant_that_was_tested_has_its_table() -> None:
    tools = FaultyTools({"how": "wrong", "variant": "best", "type": "Q4_0", "batch": 1}, variants=["best", "lower"])
    assert ask(tools) == 0
    shown = tools.out.getvalue()
    assert "CPU variant best\n" in shown
    assert "CPU variant lower\n" in shown
    assert "Used: CPU variant lower, extra buffers on, flash attention on." in shown


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_where_nothing_works_it_fails_with_one_sentence(arguments: tuple[str, ...]) -> None:
    tools = FaultyTools({"how": "SIGILL", "start": True})
    with pytest.raises(EngineError, match="nothing rightly on this processor") as caught:
        ask(tools, *arguments)
    assert "SIGILL" in str(caught.value)
    if arguments:
        assert json.loads(tools.out.getvalue())["chosen"] is None


def test_a_test_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = FaultyTools()
    tools.kernel_check = KernelCheck(tools.paths.engine_test_file, command=("/nowhere/at/all",))
    with pytest.raises(EngineError, match="could not be started"):
        ask(tools)


# --- doctor ---


def doctor(tools: CommandContext) -> tuple[str, str, list[UserError]]:
    problems: list[UserError] = []
    found = check_kernels(tools, problems)
    return found.state, kernels_line(found), problems


def test_doctor_says_what_is_known_and_does_not_make_the_test() -> None:
    tools = FaultyTools()
    assert doctor(tools) == ("not made yet", "not made yet; “latchkey engine test” makes it", [])
    ask(tools)
    state, told, problems = doctor(tools)
    assert (state, problems) == ("passed", [])
    assert "kernels are right; used: extra buffers on, flash attention on" in told


def test_doctor_says_what_failed() -> None:
    tools = FaultyTools({"how": "SIGSEGV", "operation": "FLASH_ATTN_EXT", "type": "Q8_0", "batch": 8})
    ask(tools)
    state, told, problems = doctor(tools)
    assert (state, problems) == ("failed in part", [])
    assert told.startswith("1 of ")
    assert "flash attention OFF" in told
    found = check_kernels(tools, [])
    assert found.chosen == KernelChoice(flash_attention=False)
    assert "SIGSEGV" in found.failed[0]


def test_doctor_names_a_processor_on_which_nothing_works_as_a_problem() -> None:
    tools = FaultyTools({"how": "SIGILL", "start": True})
    with pytest.raises(EngineError):
        ask(tools)
    state, told, problems = doctor(tools)
    assert (state, told) == ("nothing works", "nothing works")
    assert isinstance(problems[0], EngineError)
