"""One connection of a transfer: it takes a part of the file, fetches it, and takes the next, until nothing is left."""

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from desktop.errors import NetworkError, StoppedError
from desktop.hub.transfer.byte_ranges import RangeJob
from desktop.hub.transfer.range_response import RangeFailedError, RangeRequest, check_range_response
from desktop.network.http_response import StreamedResponse
from desktop.network.request_error import RequestError, connection_lost
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.hub.transfer.parallel_fetch import ParallelFetch

_PIECE = 1 << 20
_FIRST_SHARE = 32 << 20
_SHARES = 16 << 20, 256 << 20
_SHARE_S = 8.0
_WHOLES = 1
_LOOKED_AT, _FAST = 8 << 20, 250e6  # from this many bytes per second on, the work per byte is what limits
_PASSING = {"timeout", "cut", "name", "refused", "proxy", "protocol", "redirect"}
_RARELY_PASSING = {"protocol", "redirect"}


class RangeConnection(threading.Thread):
    """See the module. It ends by itself; errors are reported to `fetching`."""

    def __init__(self, fetching: "ParallelFetch") -> None:
        super().__init__(name="transfer", daemon=True)
        self._fetching = fetching
        self._share = _FIRST_SHARE
        self._generation = 0
        self._lost = False  # the address does not hold any more
        self.flowing = False
        """Whether bytes have come over the request that is under way."""
        self.may_locate = True
        """Whether the address was not asked for anew since bytes came."""

    def run(self) -> None:
        """Until nothing is left to do."""
        try:
            self._work()
        except StoppedError:
            pass  # whoever stopped it knows
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that runs the transfer
            self._fetching.fail(error)
        finally:
            self.flowing = False
            self._fetching.connection_ended(self)

    def _work(self) -> None:
        fetching = self._fetching
        while fetching.should_continue(self) and (job := fetching.plan.take(self._share)) is not None:
            began, start = time.monotonic(), job.at
            failure: RangeFailedError | None = None
            try:
                self._fetch(job)
            except RequestError as error:
                if error.kind not in _PASSING:
                    raise
                lasting = error.kind in _RARELY_PASSING
                failure = RangeFailedError(error, "locate" if error.kind == "redirect" else "again", lasting=lasting)
            except RangeFailedError as error:
                failure = error
            finally:
                brought, self.flowing = self.flowing, False
                fetching.plan.release(job)
            if failure is None:
                took = max(0.01, time.monotonic() - began)
                self._share = min(max(int((job.at - start) / took * _SHARE_S), _SHARES[0]), _SHARES[1])
                continue
            self.may_locate = self.may_locate or brought
            if not fetching.should_retry(self, failure, brought=brought):
                return
            if failure.retry_by == "locate":
                self._lost, self.may_locate = True, False

    def _fetch(self, job: RangeJob) -> None:
        fetching, source = self._fetching, self._fetching.source
        if self._lost:
            self._locate_again()
        located, self._generation = source.current()
        headers = {"Range": f"bytes={job.at}-{job.end - 1}"}
        start, end = job.at, job.end
        if etag := source.etag_at(located.url):
            headers["If-Range"] = etag
        with fetching.client.stream(
            "file", "GET", located.url, headers=headers, token=located.token, stop=fetching.stop
        ) as streamed:
            host = urlsplit(streamed.url).netloc
            asked = RangeRequest(source.wanted, host, source.size, start, end, source.etag_at(streamed.url))
            verdict = check_range_response(asked, streamed.status, streamed.headers, streamed.encoding)
            if verdict.whole:
                self._take_whole(streamed, verdict.etag)
                return
            fetching.parts_work = True
            fetching.remember_etag(streamed.url, verdict.etag)
            self._take_part(streamed, job, host)
            if verdict.exact and job.end == end:
                streamed.read(1)  # its end, so that the connection can be used again

    def _locate_again(self) -> None:
        """Ask the Hub once more. That it cannot be reached may pass; that it refuses does not."""
        try:
            self._fetching.source.refresh(self._generation, self._fetching.stop)
        except RequestError:
            raise
        except NetworkError as error:
            raise RangeFailedError(error, "locate") from error
        self._lost = False

    def _take_part(self, streamed: StreamedResponse, job: RangeJob, host: str) -> None:
        fetching = self._fetching
        start, began = job.at, time.monotonic()
        looked = False
        while job.at < job.end:
            data = streamed.read(_PIECE)
            if not data:
                raise RangeFailedError(connection_lost(host, "the answer was shorter than it should be"))
            self.flowing = True
            at = job.at
            if not looked and at - start >= _LOOKED_AT:
                looked = True
                if (at - start) / (time.monotonic() - began) > _FAST:
                    streamed.bypass_http_parser(at - start + len(data))
            count = fetching.plan.reserve(job, len(data))
            fetching.write(at, data[:count], job, received=len(data))

    def _take_whole(self, streamed: StreamedResponse, etag: str) -> None:
        """The server gives out the file as a whole only: read it from its first byte on, and use what is missing."""
        fetching = self._fetching
        host = urlsplit(streamed.url).netloc
        if fetching.parts_work and fetching.count_whole() <= _WHOLES:
            detail = tr("It sent the whole file in the place of a part.")
            raise RangeFailedError(
                NetworkError(tr("{host} does not go on where it was left.").format(host=host), detail)
            )
        fetching.use_one_connection(self)
        fetching.remember_etag(streamed.url, etag)
        at = 0
        while at < fetching.source.size:
            data = streamed.read(_PIECE)
            if not data:
                raise RangeFailedError(connection_lost(host, "the answer was shorter than it should be"))
            data = data[: fetching.source.size - at]
            spans = fetching.plan.missing(at, at + len(data))
            self.flowing = self.flowing or bool(spans)
            fetching.skip(len(data) - sum(b - a for a, b in spans))
            for a, b in spans:
                fetching.write(a, data[a - at : b - at], None, received=b - a)
            at += len(data)
