"""What a server answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


class Headers(Mapping[str, str]):
    """An answer's headers. Names are found in any spelling; of a header that came more than once, the values are
    joined by ", "."""

    def __init__(self, pairs: "list[tuple[str, str]] | Mapping[str, str]") -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values


@dataclass(frozen=True)
class Response:
    """A whole answer: its status whatever it is, the body as the server meant it (unpacked), and the address that gave
    it in the end."""

    status: int
    headers: Headers
    body: bytes
    url: str
