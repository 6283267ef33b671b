"""Measures `latchkey serve` on this machine, each figure as a ratio or difference within one run.

    python packaging/serve_benchmark.py [--model FILE] [--rounds N] [--tokens N] [--threads N] [--json]

- tokens/s of 4 and of 8 requests at once against one (targets 1.6 and 2);
- tokens/s of one stream through the server against `latchkey ask` (0.97);
- from the moment at which the app has an answer's first token to the first byte of it at the client, in ms (10);
- MB that 200 idle connections take (20).

Rounds alternate, so that what else this machine does meets all alike; medians are told. Without --model it is the real
model of the tests, which `make real-model` brings. A home of its own, which is removed, holds everything.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import real_model

TOP = Path(__file__).resolve().parents[1]
QUESTION = "Write a long story about a lighthouse keeper and the sea."
_CONNECTIONS = 200


@dataclass(frozen=True)
class Server:
    """A server that runs, in a process of its own."""

    process: subprocess.Popen[bytes]
    host: str
    key: str
    model: str

    def stream(self, question: str, tokens: int) -> tuple[float, float, int]:
        """Ask, and read the stream: when the first and the last words came, and how many tokens they were."""
        connection = http.client.HTTPConnection(self.host, timeout=600)
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": question}],
            "max_tokens": tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        times: list[float] = []
        generated = 0
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            if chunk.get("usage"):
                generated = chunk["usage"]["completion_tokens"]
            elif chunk["choices"][0]["delta"].get("content"):
                times.append(time.perf_counter())
        connection.close()
        return times[0], times[-1], generated

    def together(self, count: int, tokens: int) -> float:
        """Tokens per second of so many answers at once, prompts included."""
        begun = time.perf_counter()
        found: list[tuple[float, float, int]] = []
        threads = [
            threading.Thread(target=lambda n=n: found.append(self.stream(f"{QUESTION} Part {n}.", tokens)))
            for n in range(count)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return sum(generated for _, _, generated in found) / (time.perf_counter() - begun)

    def memory(self) -> int:
        """Bytes that only the server's process has, its workers left out."""
        return psutil.Process(self.process.pid).memory_full_info().uss


@contextmanager
def serving(home: Path, model: str, parallel: int) -> Iterator[Server]:
    """A server with the model loaded."""
    arguments = ["serve", "--port", "0", "--json", "--model", model, "--parallel", str(parallel)]
    process = subprocess.Popen(_command(*arguments), env=_environment(home), stdout=subprocess.PIPE, cwd=TOP)
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        host = said["url"].removeprefix("http://").removesuffix("/v1")
        yield Server(process, host, Path(said["key_file"]).read_text(encoding="utf-8").strip(), model)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def asked(home: Path, model: str, tokens: int) -> float:
    """Tokens per second of the command."""
    arguments = ["ask", QUESTION, "--model", model, "--max-tokens", str(tokens), "--temperature", "0"]
    command = _command(*arguments, "--ignore-eos", "--json")
    ran = subprocess.run(command, env=_environment(home), capture_output=True, check=True, cwd=TOP)
    return float(json.loads(ran.stdout)["tokens_per_s"])


def one_stream(server: Server, tokens: int) -> float:
    """Tokens per second of one stream, as its client sees it."""
    first, last, generated = server.stream(QUESTION, tokens)
    return (generated - 1) / (last - first)


def idle_megabytes(server: Server) -> float:
    """What so many connections take that asked once and stay."""
    server.stream(QUESTION, 2)
    before = server.memory()
    connections = [socket.create_connection(server.host.split(":")) for _ in range(_CONNECTIONS)]  # type: ignore[arg-type]
    for each in connections:
        each.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for each in connections:
        each.recv(4096)
    taken = server.memory() - before
    for each in connections:
        each.close()
    return taken / 1e6


def first_byte_ms(home: Path, model: str, rounds: int) -> list[float]:
    """From the app's first token to the client's first byte of it. In a process of its own: see `_first_bytes`."""
    command = [sys.executable, __file__, "--first-bytes", model, "--rounds", str(rounds)]
    ran = subprocess.run(command, env=_environment(home), capture_output=True, check=True, cwd=TOP)
    found: list[float] = json.loads(ran.stdout)
    return found


def _first_bytes(model: str, rounds: int) -> list[float]:
    """The server in this process, with an engine that notes when it tells a first token."""
    from desktop.cli.command_context import CommandContext
    from desktop.cli.output import CommandOutput
    from desktop.engine.worker_messages import Delta
    from desktop.paths import find_paths
    from desktop.server.api_key import keys_from_text
    from desktop.server.api_server import ApiServer
    from desktop.server.offered_models import OfferedModels

    told: list[float] = []
    tools = CommandContext(find_paths(), CommandOutput(None, None), sys.stdin.buffer)
    with tools.engine_pool() as pool:
        generate = pool.generate

        def noting(request: Any, on_event: Callable[[Any], None], **more: Any) -> None:
            def hear(event: Any) -> None:
                if isinstance(event, Delta) and event.text and not told:
                    told.append(time.perf_counter())
                on_event(event)

            generate(request, hear, **more)

        pool.generate = noting  # type: ignore[method-assign]
        models = OfferedModels(
            pool, tools.library, tools.license_check, tools.assembly.policy, tools.settings_file.latest, parallel=1
        )
        server = ApiServer(pool, models)
        key = "0123456789abcdef"
        host = server.start("127.0.0.1", 0, keys_from_text(key)).removeprefix("http://").removesuffix("/v1")
        found: list[float] = []
        for number in range(rounds + 1):
            told.clear()
            first, _, _ = Server(None, host, key, model).stream(f"Question {number}?", 20)  # type: ignore[arg-type]
            found.append((first - told[0]) * 1000)
        server.stop()
    tools.close()
    return found[1:]  # the first one loads the model


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "desktop", *arguments]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "LATCHKEY_HOME": str(home), "PYTHONPATH": str(TOP)}


def _import_model(home: Path, file: Path) -> str:
    """Add the model to a home that holds nothing else, and accept its licenses for this measurement."""

    def ran(*arguments: str) -> Any:
        done = subprocess.run(_command(*arguments), env=_environment(home), capture_output=True, check=True, cwd=TOP)
        return json.loads(done.stdout)

    model = ran("models", "import", str(file), "--json")
    for each in model["licenses"]:
        ran(
            *("licenses", "accept", model["id"], "--text-sha256", each["text_sha256"]),
            *("--as", "Benchmark", "--purpose", "research", "--license", each["id"], "--json"),
        )
    return str(model["id"])


def measure(file: Path, rounds: int, tokens: int, threads: int | None) -> dict[str, float]:
    """All figures, by name; `threads` are those of the engine, None as it chooses."""
    home = Path(tempfile.mkdtemp(prefix="latchkey-serve-"))
    try:
        if threads is not None:
            (home / "config").mkdir()
            settings = json.dumps({"version": 1, "threads": threads})
            (home / "config" / "settings.json").write_text(settings, encoding="utf-8")
        model = _import_model(home, file)
        found: dict[str, list[float]] = {"1": [], "4": [], "8": [], "stream": [], "ask": []}
        with serving(home, model, 8) as server:
            server.together(8, 8)
            for _ in range(rounds):
                for count in (1, 4, 8):
                    found[str(count)].append(server.together(count, tokens))
        with serving(home, model, 1) as server:
            idle = idle_megabytes(server)
            for _ in range(rounds):
                found["stream"].append(one_stream(server, tokens))
                found["ask"].append(asked(home, model, tokens))
        first = first_byte_ms(home, model, 3 * rounds)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    middle = {name: statistics.median(values) for name, values in found.items()}
    return {
        "tokens_per_s_of_1": middle["1"],
        "4_at_once": middle["4"] / middle["1"],
        "8_at_once": middle["8"] / middle["1"],
        "stream_to_ask": statistics.median(map(lambda s, a: s / a, found["stream"], found["ask"])),
        "first_byte_ms_median": statistics.median(first),
        "first_byte_ms_most": max(first),
        "idle_connections_mb": idle,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=real_model.models_folder() / real_model.SMOLLM2.name)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, help="of the engine: 1 where other programs compute beside it")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--first-bytes", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first_bytes:
        print(json.dumps(_first_bytes(options.first_bytes, options.rounds)))
        return
    found = measure(options.model, options.rounds, options.tokens, options.threads)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value:8.3f}")


if __name__ == "__main__":
    main()
