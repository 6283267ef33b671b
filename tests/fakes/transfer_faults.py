"""Everything that goes wrong between a file of the Hub and this disk, and how each of it has to end.

The tests run these, and `packaging/transfer_faults.py` prints them as a table with what a person is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from desktop.errors import AccessError, IntegrityError, NetworkError, NotFoundError, UserError
from desktop.hub.transfer.transfer_types import TransferProgress
from desktop.network.access_token import AccessToken
from tests.fakes.hub import Fault
from tests.fakes.transfer_place import MODEL, REPOSITORY, Place, bytes_of

SIZE = 3_000_000
TIMEOUT_S = 0.4
_RATE = 6_000_000

Arrange = Callable[[Place], None]
Hear = Callable[[Place, TransferProgress], None]


@dataclass(frozen=True)
class Case:
    """One fault. Where `ends` is an error, `says` is part of its sentences; else the right file is there, and `says` is
    part of the notes on the way. `twice`: the most bytes of the file that may go out again; None for any number.
    `kept`: after the error, a later transfer goes on with what was there."""

    name: str
    arrange: Arrange
    ends: type[UserError] | None = None
    says: str = ""
    twice: int | None = 0
    kept: bool = False
    hear: Hear | None = None
    requests: int = 40
    more: dict[str, int] = field(default_factory=dict)


def inject(*faults: Fault) -> Arrange:
    return lambda place: place.fake.inject(*faults)


def once(at: int, do: Arrange) -> Hear:
    """Do it when so many bytes are there."""
    done: set[int] = set()

    def hear(place: Place, progress: TransferProgress) -> None:
        if progress.done >= at and id(place) not in done:
            done.add(id(place))
            do(place)

    return hear


def slowly(*faults: Fault, rate: int = _RATE) -> Arrange:
    def arrange(place: Place) -> None:
        place.fake.rate = rate
        place.fake.inject(*faults)

    return arrange


def _gated(place: Place) -> None:
    place.repository.gated = "manual"
    place.fake.set_gate_state(REPOSITORY, "anna", "granted")
    place.token = AccessToken(place.fake.add_token("anna"), place.fake.endpoint)
    place.fake.rate = _RATE


def _revoke(place: Place) -> None:
    place.fake.set_gate_state(REPOSITORY, "anna", "rejected")
    place.fake.expire_links()
    place.fake.drop_connections()


def _expire(place: Place) -> None:
    place.fake.expire_links()
    place.fake.drop_connections()


def _swap(place: Place) -> None:
    place.data = bytes_of(SIZE + 1000, seed=2)
    place.repository.swap_file(MODEL, place.data)
    place.fake.drop_connections()


def _remove(place: Place) -> None:
    commit = place.repository.head
    place.repository.commits[commit] = {}
    place.fake.drop_connections()


def _status(status: int, times: int | None = 1, after: str = "") -> Fault:
    return Fault("status", status=status, times=times, headers=(("Retry-After", after),) if after else ())


_FOREVER = None
_TENTHS = tuple(SIZE * tenth // 10 for tenth in range(1, 10))

CASES = [
    Case("cut at every tenth of the file, one after another", inject(*(Fault("cut", at=at) for at in _TENTHS))),
    *(Case(f"cut at {10 * n} %", inject(Fault("cut", at=at))) for n, at in enumerate(_TENTHS, 1)),
    Case("cut at byte 0", inject(Fault("cut", at=0))),
    Case("cut at the last byte", inject(Fault("cut", at=SIZE - 1))),
    Case("reset in the middle", inject(Fault("cut", at=SIZE // 2, reset=True)), twice=SIZE),
    Case("cut before any byte, for ever", inject(Fault("cut", after=0, times=_FOREVER)),
         NetworkError, "broke off", kept=True),
    Case("closed without an answer, three times", inject(Fault("close", times=3)), says="tried again"),
    Case("every connection cut by a changed network", slowly(), twice=SIZE // 3,
         hear=once(SIZE // 3, lambda place: place.fake.drop_connections())),
    Case("silent socket", inject(Fault("silent")), says="does not answer"),
    Case("silent socket, for ever", inject(Fault("silent", times=_FOREVER)), NetworkError, "does not answer", kept=True,
         more={"tries": 1}),
    Case("silence in the middle", inject(Fault("stall", at=SIZE // 2))),
    Case("a server that ignores Range", inject(Fault("ignore-range", times=_FOREVER)), says="only as a whole"),
    Case("a server that ignores Range, cut in the middle",
         inject(Fault("cut", at=SIZE // 2), Fault("ignore-range", times=_FOREVER)),
         says="only as a whole", twice=SIZE * 3 // 2),
    Case("one answer that ignores Range", inject(Fault("cut", at=SIZE // 2), Fault("ignore-range", skip=1)),
         twice=SIZE),
    Case("another part than was asked for, once", inject(Fault("wrong-range", amount=1000)), twice=SIZE),
    Case("another part than was asked for, for ever", inject(Fault("wrong-range", amount=1000, times=_FOREVER)),
         NetworkError, "another part of the file", twice=None, kept=True),
    Case("too little, three times", inject(Fault("too-little", amount=70_000, times=3))),
    Case("too much", inject(Fault("too-much", amount=70_000, times=_FOREVER)), twice=70_000),
    Case("a flipped byte", inject(Fault("wrong-bytes", at=SIZE // 2)), says="their hash differs", twice=SIZE),
    Case("a flipped byte, for ever", inject(Fault("wrong-bytes", at=SIZE // 2, times=_FOREVER)),
         IntegrityError, "nothing of it was kept", twice=SIZE),
    Case("gzip, once", inject(Fault("gzip")), twice=SIZE + 100_000),
    Case("gzip, for ever", inject(Fault("gzip", times=_FOREVER)), NetworkError, "packed as gzip", twice=None,
         kept=True),
    Case("without Content-Length", inject(Fault("no-length", times=_FOREVER))),
    Case("without ETag", inject(Fault("cut", at=SIZE // 2), Fault("no-validators", times=_FOREVER))),
    Case("a log-in page in place of the file", inject(Fault("login-page")), NetworkError, "log in", kept=True),
    Case("a log-in page in the middle", inject(Fault("cut", at=SIZE // 2), Fault("login-page", skip=1)),
         NetworkError, "log in", kept=True),
    Case("a redirect to another host", inject(Fault("redirect-elsewhere"))),
    Case("a redirect to another host, for ever", inject(Fault("redirect-elsewhere", times=_FOREVER)),
         NetworkError, "30 bytes, where 3000000", kept=True),
    Case("a redirect to another host in the middle", inject(Fault("cut", at=SIZE // 2),
         Fault("redirect-elsewhere", times=_FOREVER, skip=1)), NetworkError, "30 bytes, where 3000000", kept=True),
    Case("a redirect loop, once around", inject(Fault("redirect-loop", times=12))),
    Case("a redirect loop", inject(Fault("redirect-loop", times=_FOREVER)), NetworkError, "cannot go", kept=True,
         requests=50),
    Case("416, once", inject(_status(416)), says="tried again"),
    Case("416, for ever", inject(_status(416, _FOREVER)), NetworkError, "does not exist", kept=True),
    Case("429 with Retry-After: 1", inject(_status(429, after="1")), says="patience"),
    Case("429 with Retry-After: 9999", inject(_status(429, _FOREVER, after="9999")),
         NetworkError, "patience", kept=True),
    Case("429 from the Hub itself", inject(Fault("status", on="hub", methods=("HEAD",), status=429)),
         NetworkError, "patience", kept=True, requests=0),
    Case("500, three times", inject(Fault("status", status=500, times=3)), says="has a fault"),
    Case("503, for ever", inject(_status(503, _FOREVER)), NetworkError, "503", kept=True),
    Case("a signed address that expires in the middle", slowly(), hear=once(SIZE // 3, _expire), twice=SIZE // 3),
    Case("403 from the store, for ever", inject(_status(403, _FOREVER)), AccessError, "refuses to give out", kept=True),
    Case("access taken away in the middle", _gated, AccessError, "rejected", hear=once(SIZE // 3, _revoke), twice=None),
    Case("the file changed in the middle", slowly(), hear=once(SIZE // 3, _swap), says="another file under this name",
         twice=SIZE),
    Case("the file removed in the middle", slowly(), NotFoundError, "holds no file", hear=once(SIZE // 3, _remove),
         twice=None),
]  # fmt: skip
