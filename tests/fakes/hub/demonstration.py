"""What the fake Hub shows when it is run by hand: one repository for each gate, people in every state, pages to click.

The pages stand in for those of the real Hub, where a person asks for access in a browser.
"""

import html
from pathlib import Path

from tests.fakes.hub.fake_hub import FakeHub
from tests.fakes.hub.repositories import FakeRepository
from tests.fakes.hub.responses import FakeResponse
from tests.fakes.hub.routes import FakeRequest

PERSON = "demo"
_LICENSE = b"Demonstration license\n\nYou may use this model to see how Latchkey gets one.\n"
_CARD = {
    "license": "other",
    "license_name": "demonstration",
    "license_link": "LICENSE",
    "extra_gated_prompt": "Please say what you want it for.",
    "extra_gated_fields": {"Name": "text", "I have read the license": "checkbox"},
}


class DemonstrationHub(FakeHub):
    """A fake Hub with contents and pages. `model` is the file that every repository offers."""

    def __init__(self, model: Path, *, tls: bool = False, port: int = 0) -> None:
        super().__init__(tls=tls, port=port)
        for name, gated in (("open", False), ("automatic", "auto"), ("reviewed", "manual")):
            made = FakeRepository(f"demo/{name}-GGUF", card=dict(_CARD), tags=["gguf"], downloads=len(name))
            made.gated = gated  # type: ignore[assignment]
            made.add_file(f"{name}-Q8_0.gguf", model)
            made.add_file("LICENSE", _LICENSE)
            made.add_file("README.md", b"# A demonstration\n")
            self.add(made)
        self.tokens = {
            "may read gated repositories": self.add_token(PERSON, "fineGrained"),
            "may not": self.add_token(PERSON, "fineGrained", may_read_gated=False),
        }

    def page(self, request: FakeRequest) -> FakeResponse | None:
        """The page at this path; None where the Hub itself answers."""
        path = request.path
        if path == "/" or path.startswith("/settings/tokens"):
            rows = "".join(f"<li><code>{value}</code> ({note})" for note, value in self.tokens.items())
            models = "".join(f'<li><a href="/{each.id}">{each.id}</a>' for each in self.all())
            return _page(f"<h1>A fake Hub</h1><ul>{models}</ul><h2>Tokens of {PERSON}</h2><ul>{rows}</ul>")
        repository = self.find(path.strip("/"))
        if repository is None:
            return None
        if request.method == "POST":
            wanted = request.query.get("standing", "")
            if wanted == "asked":
                repository.gate_states[PERSON] = "granted" if repository.gated == "auto" else "pending"
            elif wanted in ("granted", "rejected", "reset", "not-requested"):
                repository.gate_states[PERSON] = wanted  # type: ignore[assignment]
            return FakeResponse(303, (("Location", path),))
        return _page(_model_page(repository))


def _model_page(repository: FakeRepository) -> str:
    standing = repository.gate_states.get(PERSON, "not-requested")
    buttons = [("asked", "Request access")] if standing in ("not-requested", "reset") else []
    buttons += [(each, f"As its publisher: {each}") for each in ("granted", "rejected", "reset", "not-requested")]
    forms = "".join(
        f'<form method="post" action="/{repository.id}?standing={value}"><button>{label}</button></form>'
        for value, label in buttons
    )
    gate = f"<p>Gate: {repository.gated}. {PERSON} stands at: <b>{standing}</b>.</p>{forms}"
    return f"<h1>{html.escape(repository.id)}</h1>{gate if repository.gated else '<p>Open to everybody.</p>'}"


def _page(body: str) -> FakeResponse:
    text = f"<!DOCTYPE html><meta charset=utf-8><title>A fake Hub</title><body>{body}</body>"
    return FakeResponse(200, (("Content-Type", "text/html; charset=utf-8"),), text.encode())
