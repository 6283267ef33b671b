"""A server in this process: the real one, with the library of an empty home, and an engine that answers as scripted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths
from desktop.server.api_key import keys_from_text
from desktop.server.api_server import ApiServer
from desktop.server.offered_models import OfferedModels
from desktop.settings import Settings
from tests.fakes.fake_engine import FakeEngine

KEY = "lk-0123456789abcdef"
GUIDE = "latchkey-guide"


class RunningServer:
    """A server that runs, with what it was made of."""

    def __init__(self, engine: FakeEngine, server: ApiServer, services: LibraryServices) -> None:
        self.engine, self.server, self.services = engine, server, services
        self.url = server.url
        self.top = self.url.removesuffix("/v1")
        self.port = int(self.top.rpartition(":")[2])


@pytest.fixture
def serve(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[FakeEngine], RunningServer]]:
    """Starts servers that stop at the end of the test."""
    # What the ledger is told is the business of another test: this engine loads nothing.
    monkeypatch.setattr(OfferedModels, "record_client", lambda *_: None)
    with ExitStack() as stack:

        def start(engine: FakeEngine) -> RunningServer:
            services = build_library_services(find_paths())
            stack.callback(services.close)
            stack.enter_context(closing(engine))
            models = OfferedModels(
                engine, services.library, services.license_check, services.policy, Settings, parallel=4
            )
            models.preload(GUIDE)  # which this engine does not do by itself
            server = ApiServer(engine, models)
            stack.callback(server.stop)
            server.start("127.0.0.1", 0, keys_from_text(f"tester {KEY}\n"))
            return RunningServer(engine, server, services)

        yield start
