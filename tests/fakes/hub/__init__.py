"""A Hub on this machine's loopback, for tests, demos and screenshots: every access state, and every fault of the way.

    with FakeHub(tls=True) as hub:
        repository = hub.add(FakeRepository("acme/tiny-gguf", gated="manual", card={"license": "apache-2.0"}))
        repository.add_file("tiny-Q8_0.gguf", path_or_bytes)      # large: resolve answers 302 to `hub.cdn`
        repository.add_file("LICENSE", b"...")                    # small: answered by the Hub itself
        token = hub.add_token("anna")                             # role "read", "write" or "fineGrained"
        hub.set_gate_state(repository.id, "anna", "pending")        # granted, not-requested, pending, rejected, reset
        hub.inject(Fault("cut", at=12_345), Fault("status", on="hub", status=429, headers=(("Retry-After", "1"),)))

Where it listens: `hub.endpoint` (the Hub), `hub.cdn` (the store of large files, another port and so another origin) and
`hub.elsewhere` (a stranger under another host's name, to whom the fault "redirect-elsewhere" leads). With `tls`,
`hub.ca_file` is the certificate to trust; nothing else trusts it.

What it remembers: `hub.requests("cdn", "tiny")` gives each `RecordedRequest` with its headers, status, bytes
sent and the number of its connection; `hub.sent("cdn")` sums bytes up; `hub.forget_requests()` begins anew.

What can be turned: `hub.rate` (bytes per second for each connection to the CDN, None for as fast as it goes),
`hub.latency` (seconds before each answer), `hub.expire_links()` (CDN addresses given out before now answer 403),
`hub.drop_connections()`, `hub.revoke_token(value)`, `repository.gated`, `.private` with `.members`, `.disabled`,
`.raw_info` (the API's answer, byte for byte), `repository.add_file` again (a new commit; old ones still answer),
`repository.swap_file` (other bytes under the same commit), `repository.remove_file`.

Faults are listed in `faults.Kind`; `Fault` says to which requests one applies. A fault's `times` is 1 unless said.

By hand: `python -m tests.fakes.hub --port 8765`, then start Latchkey with HF_ENDPOINT=http://127.0.0.1:8765.
"""

from tests.fakes.hub.fake_hub import FakeHub
from tests.fakes.hub.faults import Fault
from tests.fakes.hub.listeners import RecordedRequest
from tests.fakes.hub.repositories import Content, FakeRepository, FakeToken

__all__ = ["Content", "FakeHub", "FakeRepository", "FakeToken", "Fault", "RecordedRequest"]
