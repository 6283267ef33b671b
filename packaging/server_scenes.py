"""The scenes of the server for `screenshots`: a real server, asked by real clients; the endpoints are made up."""

import contextlib
import json
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Stage

    from desktop.ui.server.server_page import ServerPage

_QUESTIONS = ("How do I add a model?", "Are my chats private?", "What is a gated model?")


def _page(stage: "Stage") -> "ServerPage":
    stage.window.show_page("server")
    page = stage.window.pages.server
    stage.wait(lambda: bool(page.view.access.address.text()))
    return page


def _turned_on(stage: "Stage") -> "ServerPage":
    from desktop.settings import ServerSettings

    stage.window.change_settings({"server": ServerSettings(port=0)})
    page = _page(stage)
    page.turn.click()
    stage.wait(lambda: not page.turn_off.isHidden() and "…" not in page.view.access.address.text())
    return page


def _add_endpoints(stage: "Stage") -> None:
    import msgspec

    from desktop.endpoints.endpoint import Endpoint, EndpointModel
    from desktop.endpoints.endpoint_file import EndpointFile
    from desktop.paths import find_paths

    models = tuple(EndpointModel(each, 32_768) for each in ("qwen3-32b", "mistral-small", "gemma-3-27b", "olmo-2-32b"))
    lab = Endpoint("lab", "https://llm.lab.example/v1", models, kind="vLLM", license="Apache-2.0", checked=1.0)
    desk = Endpoint("desk", "http://192.168.1.20:11434/v1", (EndpointModel("qwen3:8b"),), kind="Ollama")
    with EndpointFile(find_paths().endpoints_file).change() as held:
        held[0] = msgspec.structs.replace(held[0], endpoints=(lab, desk))
    stage.backend.outside.elsewhere.refresh()


def _ask(url: str, key: str) -> None:
    for agent, questions in (("aider/0.86", _QUESTIONS), ("llm/0.27", _QUESTIONS[:1])):
        for question in questions:
            _send(url, key, agent, {"model": "latchkey-guide", "messages": [{"role": "user", "content": question}]})
    _send(url, "wrong", "notebook/1.0")


def _send(url: str, key: str, agent: str, body: dict[str, object] | None = None) -> None:
    headers = {"Authorization": f"Bearer {key}", "User-Agent": agent, "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{url}/{'chat/completions' if body else 'models'}", data, headers)
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def _asked(stage: "Stage") -> "ServerPage":
    from desktop.paths import find_paths

    page = _turned_on(stage)
    _add_endpoints(stage)
    key = find_paths().api_key_file.read_text(encoding="ascii").strip()
    asking = threading.Thread(target=_ask, args=(page.view.access.address.text(), key), daemon=True)
    asking.start()
    stage.wait(lambda: not asking.is_alive())
    stage.wait(lambda: len(page.view.requests.rows.cells) >= 5)
    stage.wait(seconds=2)
    return page


def off(stage: "Stage") -> None:
    _page(stage)
    stage.settle()


def on(stage: "Stage") -> None:
    _asked(stage)


def more(stage: "Stage") -> None:
    page = _asked(stage)
    page.view.access.show_rest(True)
    stage.settle()


def open_wider(stage: "Stage") -> None:
    page = _turned_on(stage)
    page.view.access.open_to.chosen.emit("0.0.0.0")
    stage.settle()


def port_taken(stage: "Stage") -> None:
    import socket

    from desktop.settings import ServerSettings

    page = _page(stage)
    with socket.create_server(("127.0.0.1", 0)) as other:
        stage.window.change_settings({"server": ServerSettings(port=other.getsockname()[1])})
        page.turn.click()
        stage.wait(lambda: page.view.error is not None)
    stage.settle()


def form(stage: "Stage") -> None:
    page = _page(stage)
    page.begin_endpoint()
    page.form.name.setText("lab")
    page.form.address.setText("https://llm.lab.example/v1")
    page.form.context.setText("thirty")
    page.form.submit.click()
    stage.settle()
