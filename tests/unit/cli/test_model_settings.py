"""`latchkey models settings`: what is set for one model is kept, used and reset; doctor says what comes of it."""

import io
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from desktop.chat.answer_settings import answer_settings
from desktop.chat.engine_requests import load_params, with_stops
from desktop.cli import models_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.load_choices import LoadReport, report_load
from desktop.cli.model_settings_arguments import KV_CACHE_TYPES
from desktop.cli.output import CommandOutput
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import KvType
from desktop.engine.worker_messages import ComputeDevice, ProbeResult
from desktop.errors import EngineError, NotFoundError
from desktop.paths import find_paths
from desktop.settings import KvCacheType, ModelSettings, Settings
from tests.fakes.talk import SomeModel

MODEL = "latchkey-guide"


class Tools(CommandContext):
    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO())


def settings(*arguments: str) -> dict[str, Any]:
    tools = Tools()
    models_command.run(parser().parse_args(["models", "settings", MODEL, *arguments, "--json"]), tools)
    found: dict[str, Any] = json.loads(tools.out.getvalue())
    return found


def test_what_is_set_is_kept_until_it_is_reset() -> None:
    assert settings()["context_length"] is None
    made = settings("--context", "1024", "--kv-type", "q8_0,q4_0", "--layers", "all", "--threads", "3", "--mmap", "off")
    assert made["id"] == MODEL
    kept = settings("--stop", "END", "--stop", "\n\n", "--device", "CUDA1", "--tensor-split", "3,1", "--parallel", "2")
    assert kept == made | {"stops": ["END", "\n\n"], "devices": ["CUDA1"], "tensor_split": [3.0, 1.0], "parallel": 2}
    assert (kept["key_type"], kept["value_type"], kept["gpu_layers"], kept["mmap"]) == ("q8_0", "q4_0", -1, False)
    less = settings("--context", "auto", "--stop", "", "--kv-type", "auto", "--device", "auto")
    assert (less["context_length"], less["stops"], less["key_type"], less["devices"]) == (None, [], None, [])
    assert less["threads"] == 3
    assert settings("--reset", "--mlock", "on")["threads"] is None
    assert Tools().settings.model_settings == {MODEL: ModelSettings(use_mlock=True)}
    settings("--reset")
    assert Tools().settings.model_settings == {}


def test_a_template_is_kept_as_text_and_what_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_text("{{ messages[0].content }}")
    assert settings("--template", str(file))["template"] == "{{ messages[0].content }}"
    file.unlink()
    assert settings()["template"] == "{{ messages[0].content }}", "the file is needed no more"
    assert settings("--template", "none")["template"] is None
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EngineError, match="no chat template"):
        settings("--template", str(file))
    with pytest.raises(NotFoundError):
        settings("--template", str(tmp_path / "gone"))


@pytest.mark.parametrize(
    "wrong", [("--kv-type", "q9"), ("--layers", "-2"), ("--mmap", "maybe"), ("--context", "0"), ("--tensor-split", "a")]
)
def test_nonsense_is_a_usage_error(wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["models", "settings", MODEL, *wrong])
    assert caught.value.code == 2
    assert "invalid _" not in capsys.readouterr().err


def test_the_types_of_the_cache_are_the_same_everywhere() -> None:
    assert get_args(KvType) == get_args(KvCacheType) == KV_CACHE_TYPES


def test_a_models_own_settings_come_before_those_for_all() -> None:
    own = ModelSettings(context_length=512, key_type="q8_0", use_mmap=False, chat_template="T", stops=("END",))
    all_models = Settings(context_length=4096, threads=2, gpu_layers=0, model_settings={"scripted": own})
    params = load_params(SomeModel(stops=("###",)), all_models)
    assert (params.context_length, params.threads, params.gpu_layers) == (512, 2, 0)
    assert (params.key_type, params.value_type, params.use_mmap, params.own_template) == ("q8_0", "f16", False, "T")
    assert params.stops == ("###",)
    other = load_params(SomeModel(id="other"), all_models)
    assert (other.context_length, other.key_type, other.own_template) == (4096, "f16", "")
    asked = GenerationOptions(stop=("STOP",))
    assert with_stops(asked, answer_settings(all_models, "scripted").own_stops).stop == ("STOP", "END")
    assert with_stops(asked, answer_settings(all_models, "other").own_stops) == asked


def explained(**settings: Any) -> LoadReport:
    tools = Tools()
    if settings:
        tools.settings_file.change_model(MODEL, ModelSettings(**settings))
    gpu = ComputeDevice("CUDA0", "A GPU", "gpu", 8 << 30, 8 << 30)
    return report_load(tools, ProbeResult("0", "", (gpu,), (), "none", "zen4", ("zen4", "x64")))


def test_doctor_explains_each_choice_and_what_overrides_it() -> None:
    choices = {each.name: each for each in explained().choices}
    assert choices["context"].value == "2,048"
    assert choices["context"].override == f"latchkey models settings {MODEL} --context N"
    assert "All fit into the free memory of CUDA0." in choices["layers on the GPU"].reason
    assert choices["CPU variant"].value == "zen4"
    assert all(each.value and each.reason.endswith(".") for each in choices.values())
    assert choices["answers at once"].value == "4"
    assert "in the window" in choices["answers at once"].reason
    asked = explained(context_length=2_000_000, gpu_layers=0, value_type="q8_0")
    choices = {each.name: each for each in asked.choices}
    assert "fewer than were asked for" in choices["context"].reason
    assert choices["KV cache"].value == "f16, q8_0"
    assert choices["layers on the GPU"].reason == "No GPU is used."
    assert "2,000,000 asked for" in asked.notices[0]


def test_doctor_says_why_a_model_would_not_be_loaded() -> None:
    tools = Tools()
    tools.settings_file.change(model="gone")
    report = report_load(tools, ProbeResult("0", "", (), (), "none"))
    assert (report.model, report.choices) == ("gone", ())
    assert "gone" in report.problem


@pytest.mark.parametrize(
    "given",
    [
        ["--parallel", "100"],
        ["--threads", "5000"],
        ["--context", "2000000000"],
        ["--layers", "200000"],
        ["--tensor-split", "nan,1"],
        ["--tensor-split", "inf"],
        [word for at in range(70) for word in ("--stop", f"x{at}")],
        [word for at in range(70) for word in ("--device", f"CUDA{at}")],
    ],
)
def test_what_the_next_start_would_refuse_is_not_written(given: list[str]) -> None:
    settings("--threads", "3")
    with pytest.raises((SystemExit, UsageError)) as refused:
        settings(*given)
    if isinstance(refused.value, SystemExit):
        assert refused.value.code == 2
    assert Tools().settings.model_settings == {MODEL: ModelSettings(threads=3)}
