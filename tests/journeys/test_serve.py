"""`latchkey serve` as it is typed, with the real engine: what it prints, whom it answers, and how it ends."""

import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from tests.accepting import import_and_accept
from tests.journeys.command import Running, latchkey
from tests.journeys.models import endless_model

pytestmark = pytest.mark.loopback
GUIDE = "latchkey-guide"
HI: Any = [{"role": "user", "content": "How do I stop an answer?"}]


class Serving:
    """The command while it serves."""

    def __init__(self, *arguments: str) -> None:
        self.running = Running("serve", "--port", "0", "--json", *arguments)
        line = b""
        while not line.endswith(b"\n"):
            line += self.running.first_output()
        self.said = json.loads(line)
        self.key = Path(self.said["key_file"]).read_text(encoding="utf-8").strip()

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.said["url"], api_key=self.key, max_retries=0)


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Serving]:
    """A server that ends with the block, as the system ends services."""
    server = Serving(*arguments)
    try:
        yield server
    finally:
        server.running.process.send_signal(signal.SIGTERM)
        ran = server.running.end()
    assert ran.code == 0, ran


def ledger() -> list[tuple[str, str, str]]:
    """Event, model and note of what is recorded, the oldest first."""
    return [(each["event"], each["model"], each["note"]) for each in latchkey("licenses", "log", "--json").json]


def test_it_serves_what_ask_answers_until_it_is_ended(home: Path) -> None:
    asked = latchkey("ask", HI[0]["content"], "--temperature", "0", "--max-tokens", "20", "--json").json
    with serving("--model", GUIDE) as server, server.client() as client:
        assert server.said["models"] == [GUIDE]
        assert Path(server.said["key_file"]).stat().st_mode & 0o077 == 0
        answer = client.chat.completions.create(model=GUIDE, messages=HI, temperature=0, max_tokens=20)
        assert answer.choices[0].message.content == asked["text"]
        again = client.chat.completions.create(
            model=GUIDE, messages=HI, temperature=0, max_tokens=60, extra_body={"ignore_eos": True}
        )
        assert again.usage is not None
        assert again.usage.completion_tokens == 60
        port = server.said["url"].rpartition(":")[2].removesuffix("/v1")
        assert "cannot listen" in latchkey("serve", "--port", port).failed_with(9)
    assert ledger()[-2:] == [("loaded", GUIDE, ""), ("served", GUIDE, "OpenAI/Python")]
    assert "no model called" in latchkey("serve", "--port", "0", "--model", "nope").failed_with(3)


def test_a_license_decides_as_everywhere(home: Path, tmp_path: Path) -> None:
    """Never accepted: 403 with the commands. Accepted: it answers. Revoked while a stranger is told something: that
    ends, with the reason."""
    file = endless_model(tmp_path / "endless.gguf")
    services = build_library_services(find_paths())
    model = services.importer.add(file).id
    services.ledger.close()
    with serving() as server, server.client() as client:
        with pytest.raises(openai.PermissionDeniedError, match="latchkey licenses accept"):
            client.chat.completions.create(model=model, messages=HI)
        import_and_accept(home, file)
        stream = iter(client.chat.completions.create(model=model, messages=HI, stream=True))
        next(stream)
        assert latchkey("licenses", "revoke", model).code == 0
        with pytest.raises(openai.APIError, match="revoked"):
            list(stream)
        with pytest.raises(openai.PermissionDeniedError, match="revoked"):
            client.chat.completions.create(model=model, messages=HI)


def test_a_worker_that_is_gone_leaves_no_answer_without_an_end(home: Path, tmp_path: Path) -> None:
    """Ended from outside, as for want of memory: all four are told so. Crashed: all four go on in the next worker."""
    model = import_and_accept(home, endless_model(tmp_path / "endless.gguf"))
    with serving("--model", model, "--parallel", "4") as server, server.client() as client:
        killed = _four_answers(server, client, model, signal.SIGKILL, tokens=50_000)
        assert ["Ask again" in each for each in killed] == [True] * 4, killed
        assert _four_answers(server, client, model, signal.SIGSEGV, tokens=2000) == ["length"] * 4


def _four_answers(server: Serving, client: openai.OpenAI, model: str, number: signal.Signals, tokens: int) -> list[str]:
    """How four answers end whose worker gets a signal in their middle."""
    begun, ends = threading.Semaphore(0), list[str]()

    def ask(which: int) -> None:
        said: Any = [{"role": "user", "content": f"number {which}"}]
        end = ""
        try:
            for chunk in client.chat.completions.create(model=model, messages=said, stream=True, max_tokens=tokens):
                begun.release()
                end = chunk.choices[0].finish_reason or ""
        except openai.APIError as error:
            end = str(error)
        ends.append(end)

    threads = [threading.Thread(target=ask, args=(which,)) for which in range(4)]
    for each in threads:
        each.start()
    for _ in range(12):
        assert begun.acquire(timeout=60)
    for process in server.running.workers():
        process.send_signal(number)
    for each in threads:
        each.join()
    return ends
