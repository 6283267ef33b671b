"""An endpoint of somebody else's, with a real model: added, accepted, asked, stopped, filled; and what the proof saw.

The server is llama-cpp-python's. Its extra is not a part of the environment for development: LATCHKEY_FOREIGN_PYTHON
names a Python that has it (pip install "llama-cpp-python[server]==0.3.36" there).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.chat.engine_requests import load_params
from desktop.conversation import ChatMessage
from desktop.endpoints.endpoint import ServedModel
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    GenerateRequest,
    LoadEvent,
    ModelReady,
    RequestFailed,
)
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.accepting import accept

pytestmark = [pytest.mark.soak, pytest.mark.loopback]
TOP = Path(__file__).resolve().parents[2]
PORT, CONTEXT = 18_790, 512


@pytest.fixture
def foreign(real_model_file: Path) -> Iterator[str]:
    """The address of the server."""
    python = os.environ.get("LATCHKEY_FOREIGN_PYTHON", sys.executable)
    needs = "import fastapi, uvicorn, sse_starlette, pydantic_settings, starlette_context"
    if subprocess.run([python, "-c", needs], capture_output=True, check=False).returncode:
        pytest.skip("needs llama-cpp-python[server]: see LATCHKEY_FOREIGN_PYTHON")
    script = TOP / "tests" / "fakes" / "foreign_server.py"
    options = ["--model", str(real_model_file), "--model_alias", "smol", "--port", str(PORT), "--n_ctx", str(CONTEXT)]
    address = f"http://127.0.0.1:{PORT}/v1"
    with subprocess.Popen(
        [python, str(script), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            end = time.monotonic() + 120
            while time.monotonic() < end:
                try:
                    with urllib.request.urlopen(f"{address}/models", timeout=5):
                        break
                except (urllib.error.URLError, OSError):
                    assert server.poll() is None, "the server did not start"
                    time.sleep(0.2)
            yield address
        finally:
            server.terminate()


class Asker:
    """Asks the one model of an endpoint."""

    def __init__(self, services: LibraryServices, served: ServedModel) -> None:
        self._engine = services.remote_engine()
        ready: list[object] = []
        told = threading.Event()
        params = load_params(services.library.find(served.id), Settings())

        def loaded(event: LoadEvent) -> None:
            ready.append(event)
            told.set()

        self._engine.load(params, loaded)
        assert told.wait(30)
        assert isinstance(ready[0], ModelReady), ready

    def ask(self, *texts: str, stop: bool = False, **options: object) -> tuple[str, AnswerDone | RequestFailed]:
        said, over = list[str](), threading.Event()
        end: list[AnswerDone | RequestFailed] = []

        def hear(event: AnswerEvent) -> None:
            if isinstance(event, Delta):
                said.append(event.text)
                if stop:
                    self._engine.cancel(request.id)
            elif isinstance(event, AnswerDone | RequestFailed):
                end.append(event)
                over.set()

        roles = ("user", "assistant")
        messages = tuple(ChatMessage.from_text(roles[at % 2], text) for at, text in enumerate(texts))  # type: ignore[arg-type]
        greedy = GenerationOptions(SamplingParams(temperature=0.0), **options)  # type: ignore[arg-type]
        request = GenerateRequest(self._engine.next_id(), messages, greedy)
        self._engine.generate(request, hear)
        assert over.wait(120)
        return "".join(said), end[0]

    def close(self) -> None:
        self._engine.close()


def test_a_server_of_somebody_elses_answers(home: Path, foreign: str) -> None:
    assert home.is_dir()
    services = build_library_services(find_paths())
    try:
        services.endpoints.add("lab", foreign, "Apache-2.0", CONTEXT)
        (served,) = services.endpoints.models()
        assert (served.id, served.context_length) == ("lab/smol", CONTEXT)
        accept(services, served.id)
        asker = Asker(services, served)
        try:
            text, done = asker.ask("What is the capital of France?", max_tokens=40)
            assert isinstance(done, AnswerDone)
            assert "France" in text
            assert done.stop_reason in ("end", "length")
            text, done = asker.ask("Count from one to a thousand.", stop=True)
            assert isinstance(done, AnswerDone)
            assert done.stop_reason == "cancelled"
            long = "All work and no play makes Jack a dull boy. " * 20
            text, done = asker.ask(
                long, "I see.", long, "Yes.", long, "Fine.", "And what is two and two?", max_tokens=20
            )
            assert isinstance(done, AnswerDone), done
            assert done.dropped_messages > 0
            text, failed = asker.ask(long * 6, context_full="stop")
            assert isinstance(failed, RequestFailed)
            assert (failed.kind, failed.needed_tokens > CONTEXT) == ("context-full", True), failed
            assert str(CONTEXT) in failed.detail
        finally:
            asker.close()
    finally:
        services.close()


def test_no_packet_goes_to_an_endpoint_off_line_or_unasked() -> None:
    if sys.platform != "linux":
        pytest.skip("its witnesses are Linux's")
    script = TOP / "packaging" / "proofs" / "endpoints_silence.py"
    ran = subprocess.run([sys.executable, script, "--json"], capture_output=True, text=True, check=False, timeout=1200)
    told = json.loads(ran.stdout)
    assert [row["wrong"] for row in told["rows"] if row["wrong"]] == []
    assert [bool(row["trapped"]) for row in told["rows"]] == [False, False, False, True]
    if not any(each.startswith("packets") for each in told["without"]):
        assert [bool(row["packets"]) for row in told["rows"]] == [False, False, False, True]
