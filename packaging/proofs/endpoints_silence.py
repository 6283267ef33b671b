"""Offline, nothing is sent to an endpoint that was added, and online nothing is before somebody asks its model.

    python packaging/proofs/endpoints_silence.py [--quick] [--json]

The rows run as those of silence.py, beside the same witnesses. The home holds an endpoint at an address where nobody
answers, whose license is accepted and whose model is the one chosen: everything stands ready to send.
"""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from desktop.endpoints.endpoint import Endpoint, EndpointModel
from desktop.endpoints.endpoint_file import Endpoints
from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from proofs import silence
from proofs.silence import Row, Step
from tests.accepting import accept

ADDRESS = "http://127.0.0.1:9/v1"  # nobody listens there: so it needs no network
_MODEL = "lab/tiny"
_OFF_LINE = 8


def add_endpoint(home: Path, *, chosen: bool = True) -> None:
    """Put the endpoint into `home`, which the environment names, with its license accepted and its model `chosen`."""
    paths = find_paths()
    assert paths.config.is_relative_to(home)
    paths.config.mkdir(parents=True, exist_ok=True)
    endpoint = Endpoint("lab", ADDRESS, (EndpointModel("tiny", 4096),), license="Apache-2.0")
    paths.endpoints_file.write_bytes(msgspec.json.encode(Endpoints(endpoints=(endpoint,))))
    if chosen:
        paths.settings_file.write_bytes(msgspec.json.encode({"model": _MODEL}))
    assembly = build_library_services(paths)
    accept(assembly, _MODEL)
    assembly.close()


def endpoint_steps(code: int) -> tuple[Step, ...]:
    """All that would send something; `code` is how each of them ends."""
    return (
        Step("endpoints add", ("endpoints", "add", "other", ADDRESS), codes=(code,)),
        Step("endpoints check", ("endpoints", "check", "lab"), codes=(code,)),
        Step("ask", ("ask", "Does anybody hear this?", "--model", _MODEL), codes=(code,)),
        Step("ask in a chat", ("ask", "And this?", "--model", _MODEL, "--conversation", "new"), codes=(code,)),
    )


def endpoint_rows(*, quick: bool) -> tuple[Row, ...]:
    """All of them, the control last. In the window a question is asked: of the model that is chosen."""
    shown = Step("window", ("--idle", "0.5" if quick else "5"), window=True)
    asking = endpoint_steps(_OFF_LINE)
    looking = (
        Step("endpoints list", ("endpoints", "list")),
        Step("models show", ("models", "show", _MODEL)),
        Step("models list", ("models", "list")),
        shown,
    )
    return (
        Row("offline, an endpoint", (*asking, shown), setting=True, prepare=add_endpoint),
        Row("offline by policy, an endpoint", asking, policy=True, prepare=add_endpoint),
        Row("online, an endpoint, not asked", looking, prepare=partial(add_endpoint, chosen=False)),
        Row("online, an endpoint, asked", endpoint_steps(9), loud=True, prepare=add_endpoint),
    )


def _rows(*, quick: bool, namespace: bool) -> tuple[Row, ...]:
    del namespace
    return endpoint_rows(quick=quick)


if __name__ == "__main__":
    sys.exit(silence.main(_rows, Path(__file__)))
