"""Asks the publisher's address for the newest version, and compares it with this one.

Where updates are announced is part of a packaged copy (`resources/updates.json`: an address and the keys that sign
there). A checkout has none, and says so. Nothing calls this by itself, and it fetches two small files at most.
"""

import datetime
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from desktop.atomic_file import read_struct, write_atomically, write_error
from desktop.errors import IntegrityError, NetworkError, NotFoundError
from desktop.network.http_client import HttpClient
from desktop.network.url import parse_url
from desktop.translation import tr
from desktop.updates.update_manifest import LARGEST_MANIFEST, UpdateManifest, own_version, read_manifest, version_of

PURPOSE = "update"
_CLOCKS_DIFFER = datetime.timedelta(days=2)
"""How far the publisher's day may be ahead: time zones, and a clock that is a little slow."""


class UpdateSource(msgspec.Struct, frozen=True):
    """Where updates are announced: the manifest's address, and the keys of which one signs it (base64, Ed25519)."""

    address: str
    keys: tuple[str, ...]


class UpdateState(msgspec.Struct, frozen=True):
    """What was found: the version that runs, the newest one announced, and whether that is newer."""

    current: str
    newest: UpdateManifest
    newer: bool


class _Seen(msgspec.Struct, frozen=True):
    """The newest manifest that was ever believed."""

    sequence: int = 0


class UpdateCheck:
    """`client` sends the requests; `seen_file` keeps which announcement was the newest; `today` gives the day, UTC."""

    def __init__(
        self,
        source_file: Path,
        seen_file: Path,
        client: Callable[[], HttpClient],
        version: str,
        today: Callable[[], datetime.date] = lambda: datetime.datetime.now(datetime.UTC).date(),
    ) -> None:
        self._source_file, self._seen_file = source_file, seen_file
        self._client, self._version, self._today = client, version, today

    def check(self) -> UpdateState:
        """Ask now. Raises NotFoundError where this copy knows no address, ForbiddenError while offline, NetworkError,
        IntegrityError where the answer is not to be believed, ResourceError."""
        source = self._source()
        data = self._fetch(source.address)
        manifest = read_manifest(data, self._fetch(f"{source.address}.sig"), source.keys)
        today = self._today()
        if manifest.released - today > _CLOCKS_DIFFER:  # with such a clock, nothing ever runs out
            raise IntegrityError(
                tr(
                    "The newest announcement of updates is of {day}, and by this computer's date that is yet to come."
                ).format(day=manifest.released.isoformat()),
                "",
                tr("Check the date of this computer, and try again."),
            )
        if manifest.expires < today:
            raise IntegrityError(
                tr("The newest announcement of updates held until {day}, so it may hide a newer one.").format(
                    day=manifest.expires.isoformat()
                ),
                "",
                tr("Check the date of this computer, and look at Latchkey's page yourself."),
            )
        if manifest.sequence < self._seen().sequence:
            raise IntegrityError(
                tr("The updates' address answered with an announcement that is older than one it gave before."),
                "",
                tr("Look at Latchkey's page yourself, and try again later."),
            )
        self._note(manifest.sequence)
        return UpdateState(self._version, manifest, version_of(manifest.version) > own_version(self._version))

    def _source(self) -> UpdateSource:
        try:
            source = read_struct(self._source_file, UpdateSource, follow_link=True)
            address = parse_url(source.address)
        except FileNotFoundError:
            raise NotFoundError(
                tr("This copy of Latchkey does not know where new versions are announced."),
                "",
                tr("Whoever gave it to you has them: your system's packages, or the place it was cloned from."),
            ) from None
        except (OSError, ValueError) as error:
            raise _damaged(str(error)) from None
        if address.scheme != "https" and not address.loopback:
            raise _damaged("no https")
        return source

    def _fetch(self, address: str) -> bytes:
        host = parse_url(address).host
        answer = self._client().request(PURPOSE, "GET", address, follow=False, most_bytes=LARGEST_MANIFEST)
        if answer.status != 200:
            raise NetworkError(
                tr("{host} has no announcement of updates: it answered with the status {status}.").format(
                    host=host, status=answer.status
                ),
                "",
                tr("Try again later."),
            )
        return answer.body

    def _seen(self) -> _Seen:
        with suppress(OSError):
            return read_struct(self._seen_file, _Seen)
        return _Seen()

    def _note(self, sequence: int) -> None:
        if sequence <= self._seen().sequence:  # another process may have seen a newer one by now
            return
        try:
            write_atomically(self._seen_file, msgspec.json.encode(_Seen(sequence)))
        except OSError as error:
            title = tr("Which announcement of updates was the newest could not be saved.")
            raise write_error(title, self._seen_file, error, tr("Free some space and try again.")) from error


def _damaged(technical: str) -> IntegrityError:
    return IntegrityError(
        tr("The part of this copy of Latchkey that says where new versions are announced is damaged."),
        "",
        tr("Install it again."),
        technical=technical,
    )
