"""What a person does at the license desk, with the real command, and what stands in the ledger afterwards."""

import hashlib
import json
from pathlib import Path
from typing import Any

from desktop.catalog.license_terms import Purpose
from desktop.library.library_services import build_library_services
from desktop.licenses.acknowledgements import Acceptance
from desktop.paths import find_paths
from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import Ran, latchkey

LICENSE_TEXT = "Tiny Research License\n\n1. Anybody may run it.\n\n2. It is not for commercial use.\n"
OWN_CATALOG = """
version = 1

[[license]]
id = "LicenseRef-Tiny-Research"
name = "Tiny Research License"
text = "licenses/tiny.txt"
attribution = "Built with Tiny"

[[license.restriction]]
restriction = "non-commercial"
clause = "2"
says = "Nobody may earn money with it."
quote = "It is not for commercial use."

[[model]]
id = "tiny-research"
name = "Tiny Research"
family = "Tiny"
publisher = "Tiny Works"
license = "LicenseRef-Tiny-Research"
gate = "open"
summary = "A model of random weights."
architecture = "llama"
gguf = "tiny/tiny-gguf"

[[model.file]]
name = "tiny.gguf"
quantization = "F32"
size = {size}
sha256 = "{sha256}"
"""
OPEN_CATALOG = """
version = 1

[[model]]
id = "tiny-open"
name = "Tiny Open"
family = "Tiny"
publisher = "Tiny Works"
license = "MIT"
more_licenses = ["Apache-2.0"]
gate = "open"
summary = "A model of random weights."
architecture = "llama"
gguf = "tiny/open-gguf"
origin = "pretrained"

[[model.file]]
name = "open.gguf"
quantization = "F32"
size = {size}
sha256 = "{sha256}"
"""


def waiting(model: str) -> list[dict[str, Any]]:
    """The licenses of a model that are not accepted."""
    shown = latchkey("models", "show", model, "--json").json
    return [each for each in shown["licenses"] if each["status"] != "in-force"]


def accept(model: str, text_sha256: str, *, person: str = "Ada Example", purpose: str = "personal") -> Ran:
    return latchkey("licenses", "accept", model, "--text-sha256", text_sha256, "--as", person, "--purpose", purpose)


def accept_all(model: str, purpose: Purpose = "personal") -> None:
    """Accept every license that waits, in this process: for what comes after it. `accept` is the command."""
    services = build_library_services(find_paths())
    subject = services.library.find_listed(model).subject
    for each in services.acknowledgements.verdict(subject).licenses:
        if each.status != "in-force":
            acceptance = Acceptance("Ada Example", purpose)
            services.acknowledgements.accept(subject, each.needed.id, each.needed.text_sha256, acceptance)
    services.ledger.close()  # the commands open it next


def ask(model: str) -> Ran:
    return latchkey("ask", "hello", "--model", model, "--max-tokens", "4")


def log() -> list[dict[str, Any]]:
    """The ledger as the command tells it."""
    return list(latchkey("licenses", "log", "--json").json)


def events() -> list[str]:
    """What happened, as it stands in the ledger's file; read in this process. `log` is the command."""
    services = build_library_services(find_paths())
    try:
        return [str(record.event) for record in services.ledger.records()]
    finally:
        services.ledger.close()  # the commands open it next


def tiny_apache(home: Path) -> str:
    """A model of which nothing is known but that its header says apache-2.0, imported and not accepted; its id."""
    return _import(random_model(home / "apache.gguf", seed=11))


def tiny_open(home: Path) -> str:
    """A model that the person's own catalog knows, from nothing, under two licenses that restrict nothing; its id."""
    path = random_model(home / "open.gguf", seed=12)
    data = path.read_bytes()
    config = find_paths().config
    config.mkdir(parents=True, exist_ok=True)
    catalog = OPEN_CATALOG.format(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    (config / "models.toml").write_text(catalog)
    assert _import(path) == "tiny-open"
    return "tiny-open"


def _import(file: Path) -> str:
    """What `models import` does, in this process: for journeys about what comes after. The new model's id."""
    services = build_library_services(find_paths())
    model = services.importer.add(file)
    services.ledger.close()  # the commands open it next
    return model.id


def choose(model: str) -> None:
    """Have this model answer where none is named, as the window's picker does."""
    file = find_paths().settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 1, "model": model}))


def tiny_research(home: Path) -> Path:
    """A model under a license of its own, both in the person's own catalog; its file."""
    path = random_model(home / "tiny.gguf", metadata={"general.license": None})  # what a header names counts as well
    config = find_paths().config
    (config / "licenses").mkdir(parents=True, exist_ok=True)
    (config / "licenses" / "tiny.txt").write_text(LICENSE_TEXT)
    data = path.read_bytes()
    catalog = OWN_CATALOG.format(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    (config / "models.toml").write_text(catalog)
    return path
