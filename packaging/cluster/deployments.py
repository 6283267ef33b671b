"""The parts that Ray Serve runs: replicas, each with a `latchkey serve` of its own, the router that picks one, and the
entrance, which checks keys and passes requests on. One piece of an answer follows the other through a generator.

What a replica yields for a request: its name once it has taken it, then the head, then the body, and LostAnswer where
the server of that replica broke off.
"""

import asyncio
import json
import logging
import os
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import RequestRouterConfig
from ray.serve.exceptions import RayServeException
from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica
from starlette.types import Message, Receive, Scope, Send

from cluster.team_homes import TeamConfig, take_home
from cluster.team_routing import prompt_beginning, replica_order
from cluster.team_server import NOWHERE
from desktop.server.api_errors import ApiError
from desktop.server.api_key import keys_from_file
from desktop.server.host_check import HostCheck
from desktop.server.request_gate import RequestGate, api_style
from desktop.server.server_activity import ServerActivity

_HOME_S, _START_S, _HEALTH_S, _STOP_S = 60.0, 300.0, 5.0, 12.0
_TAKEN_WITHIN_S = 30.0
"""How long a request waits for a replica to take it."""
_TRIES = 3
_MOST_AT_ONCE = 256  # as many as one server takes
_PASSED_ON = (b"authorization", b"x-api-key", b"content-type", b"accept", b"user-agent", b"anthropic-version")
_EVENT_ENDS = b"\n\n"
_NOT_RETURNED = ("connection", "keep-alive", "transfer-encoding", "date", "server")
_log = logging.getLogger("ray.serve")


@dataclass(frozen=True)
class PassedRequest:
    """A request on its way to a replica. `beginning` and `avoid` are for the router: see `replica_order`."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    beginning: bytes = b""
    avoid: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerHead:
    """Status and headers."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def streams(self) -> bool:
        """Whether its body is a stream of events."""
        return any(name == b"content-type" and b"event-stream" in value for name, value in self.headers)


@dataclass(frozen=True)
class LostAnswer:
    """The replica's server broke off."""

    reason: str


class TeamReplica:
    """A process of `latchkey serve`, with a home of its own, and the way to it."""

    async def __init__(self, team: TeamConfig) -> None:  # type: ignore[misc] # Ray waits for it
        self._name = serve.get_replica_context().replica_id.unique_id
        home = await asyncio.to_thread(take_home, team.state, _HOME_S)
        (home.folder / "logs").mkdir(exist_ok=True)
        with (home.folder / "logs" / "serve.txt").open("ab") as told:
            self._process = subprocess.Popen(
                team.serve_command(),
                env={name: text for name, text in os.environ.items() if text != NOWHERE}
                | {"LATCHKEY_HOME": str(home.folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=told,
                pass_fds=(home.lock,),  # the home is held until both of us have ended
            )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), _START_S)
        if not line:
            raise RuntimeError(f"latchkey serve did not start: see {home.folder / 'logs' / 'serve.txt'}")
        self._top = str(json.loads(line)["url"]).removesuffix("/v1")
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)
        )

    async def check_health(self) -> None:
        """Raise where its server has ended or does not answer: Ray starts another replica then."""
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"latchkey serve ended with {code}")
        async with self._session.get(f"{self._top}/health", timeout=aiohttp.ClientTimeout(_HEALTH_S)) as response:
            response.raise_for_status()

    async def answer(self, asked: PassedRequest) -> AsyncGenerator[str | AnswerHead | bytes | LostAnswer, None]:
        """The answer to a request, in pieces. Closing the generator cancels it."""
        yield self._name
        try:
            async with self._session.request(
                asked.method, self._top + asked.target, data=asked.body or None, headers=asked.headers
            ) as response:
                kept = [(name.lower(), value) for name, value in response.headers.items()]
                yield AnswerHead(
                    response.status,
                    [(name.encode(), value.encode()) for name, value in kept if name not in _NOT_RETURNED],
                )
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, OSError) as error:
            yield LostAnswer(str(error))

    async def __del__(self) -> None:
        """Ray calls this once no request is left, or their time is over."""
        await self._session.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, _STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()


class PrefixRouter(RequestRouter):
    """Sends a conversation to the replica that has read it before: see `replica_order`."""

    def initialize_state(self, at_once: int) -> None:
        self._at_once = at_once
        self._under_way: Counter[str] = Counter()
        self._choosing: list[tuple[str, asyncio.Future[Any]]] = []

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        found = {each.replica_id.unique_id: each for each in candidate_replicas}
        if pending_request is None:
            return [[each] for each in found.values()]
        pending_request.routing_context.should_backoff = True  # after one round over all of them
        # Those that are being chosen at this moment count as well: many requests may come at once.
        future = pending_request.future
        self._choosing = [each for each in self._choosing if not each[1].done() and each[1] is not future]
        chosen = Counter(name for name, _ in self._choosing)
        busy = {name: self._under_way[name] + chosen[name] for name in found}
        asked: PassedRequest = pending_request.args[0]
        order = replica_order(asked.beginning, busy, self._at_once, asked.avoid)
        self._choosing += [(name, future) for name in order[:1]]
        return [[found[name]] for name in order]

    def on_send_request(self, replica_id: ReplicaID) -> None:
        super().on_send_request(replica_id)
        self._under_way[replica_id.unique_id] += 1

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        del internal_request_id
        name = replica_id.unique_id
        self._under_way[name] = max(0, self._under_way[name] - 1)

    def on_replica_actor_died(self, replica_id: ReplicaID) -> None:
        super().on_replica_actor_died(replica_id)
        del self._under_way[replica_id.unique_id]


class TeamEntrance:
    """What clients reach. Everything a server checks before it reads a request is checked here already."""

    def __init__(self, replicas: Any, key_file: Any) -> None:
        self._replicas = replicas.options(stream=True, method_name="answer")
        self._key_file = key_file

    def __serve_build_asgi_app__(self) -> Any:
        gate = RequestGate(
            self._pass_on, HostCheck("127.0.0.1"), keys_from_file(self._key_file), ServerActivity(lambda: None)
        )

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})
            if scope["type"] == "lifespan":
                await _live(receive, send)
            else:
                await gate(scope, receive, send)

        return application

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by a replica. Until a byte of the answer has been passed on another one may be asked. Raises
        ApiError."""
        body: bytes = (await receive()).get("body", b"")
        target = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        headers = {n.decode(): v.decode("latin-1") for n, v in scope["headers"] if n in _PASSED_ON}
        beginning = prompt_beginning(scope["path"], body)
        failed: list[str] = []
        for _ in range(_TRIES):
            asked = PassedRequest(scope["method"], target, headers, body, beginning, tuple(failed))
            if await self._passed_on(asked, _Passing(send, scope["path"]), failed):
                return
        raise ApiError(503, "No replica of the server could answer: try again later.", "no_replica")

    async def _passed_on(self, asked: PassedRequest, passing: "_Passing", failed: list[str]) -> bool:
        """Whether the client has an answer, or has been told; what failed before is added to `failed`."""
        stream = self._replicas.remote(asked)
        reason = ""
        try:
            async with asyncio.timeout(_TAKEN_WITHIN_S):
                failed.append(await anext(stream))
            async for item in stream:
                if isinstance(item, LostAnswer):
                    reason = item.reason
                    break
                await passing.take(item)
            else:
                await passing.end()
                return True
        except TimeoutError:
            raise ApiError(503, "The servers have too much to do: try again later.", "busy") from None
        except (RayError, RayServeException) as error:
            reason = type(error).__name__
        finally:
            stream.cancel()
        _log.warning("an answer of replica %s was lost: %s", failed[-1:], reason)
        return await passing.fail()


class _Passing:
    """An answer on its way to the client: a stream by whole events, anything else whole, or not at all."""

    def __init__(self, send: Send, path: str) -> None:
        self._send, self._path = send, path
        self._head: AnswerHead | None = None
        self._held = bytearray()
        self._begun = False

    async def take(self, item: AnswerHead | bytes) -> None:
        """The next piece."""
        if isinstance(item, AnswerHead):
            self._head = item
            return
        self._held += item
        if self._head is not None and self._head.streams and (end := self._held.rfind(_EVENT_ENDS)) >= 0:
            end += len(_EVENT_ENDS)
            await self._begin()
            await self._body(bytes(self._held[:end]), more=True)
            del self._held[:end]

    async def end(self) -> None:
        """It is complete."""
        await self._begin()
        await self._body(bytes(self._held))

    async def fail(self) -> bool:
        """It broke off. Whether the client has seen some of it, and was told now."""
        if not self._begun:
            return False
        await self._body(lost_event(self._path))
        return True

    async def _begin(self) -> None:
        if not self._begun and self._head is not None:
            self._begun = True
            start: Message = {"type": "http.response.start", "status": self._head.status, "headers": self._head.headers}
            await self._send(start)

    async def _body(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def lost_event(path: str) -> bytes:
    """What a client is told in a stream whose replica is gone."""
    error = ApiError(503, "The replica of the server that was answering has stopped.", "replica_lost")
    said = error.body(api_style(path))
    if path.endswith("/responses"):
        said = {"type": "error", "code": error.code, "message": error.message, "param": None}
    name = b"event: error\n" if "type" in said else b""
    return name + b"data: " + json.dumps(said).encode() + b"\n\n"


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def team_application(team: TeamConfig, replicas: int) -> Any:
    """The application of Ray Serve: so many replicas, and their entrance."""
    deployed = serve.deployment(
        name="replica",
        num_replicas=replicas,
        max_ongoing_requests=_MOST_AT_ONCE,
        graceful_shutdown_timeout_s=team.drain_s,
        graceful_shutdown_wait_loop_s=0.5,
        health_check_period_s=2,
        health_check_timeout_s=_HEALTH_S + 1,
        ray_actor_options={"num_cpus": 1},
        request_router_config=RequestRouterConfig(
            request_router_class="cluster.deployments:PrefixRouter",
            request_router_kwargs={"at_once": team.parallel},
        ),
    )(TeamReplica)
    entrance = serve.deployment(
        name="entrance",
        max_ongoing_requests=1000,
        graceful_shutdown_timeout_s=team.drain_s,
        ray_actor_options={"num_cpus": 0},
    )(serve.ingress()(TeamEntrance))
    return entrance.bind(deployed.bind(team), team.key_file)
