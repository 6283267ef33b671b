"""Every packet that a machine, or a network of its own, sends: taken from the kernel, not from the program."""

import select
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_ALL = 0x0003
_OUTGOING = 4
_SOL_PACKET, _STATISTICS, _RCVBUFFORCE = 263, 6, 33
_BUFFER = 64 << 20
_LONGEST = 1 << 18
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_KERNELS_OWN_ICMP6 = {133, 134, 135, 136, 143}
"""Looking for routers and neighbors and joining their groups: no process can have these sent without rights of root."""


@dataclass(frozen=True)
class Packet:
    """One packet as it left. Ports are 0 where its protocol has none; `payload` is what TCP or UDP carries."""

    interface: str
    protocol: str
    source: str
    source_port: int
    target: str
    target_port: int
    payload: bytes
    sequence: int = 0
    flags: int = 0

    def __str__(self) -> str:
        words = "".join(chr(each) if 32 <= each < 127 else "." for each in self.payload[:60])
        return f"{self.interface} {self.protocol} {self.source} → {self.target}:{self.target_port} {words}".strip()


Flow = tuple[str, int, str, int]
"""Source, its port, target, its port: one direction of a connection."""


class Capture:
    """Takes in what is sent on all interfaces from its beginning to its end, once each. A context manager.

    Raises PermissionError where this process may not.
    """

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.lost = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        # AF_PACKET is Linux's own; so much of it stands here by number that other systems can read this file.
        self._socket = socket.socket(getattr(socket, "AF_PACKET", -1), socket.SOCK_DGRAM, socket.htons(_ALL))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
        except OSError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._thread = threading.Thread(target=self._take_all, name="capture", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        statistics = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        self.lost = struct.unpack("II", statistics)[1]
        self._socket.close()

    def taken(self) -> list[Packet]:
        """What was sent so far. A packet is here as soon as the call that sent it has come back."""
        with self._lock:
            self._drain()
            return list(self.packets)

    def _take_all(self) -> None:
        while not self._ending.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                self.taken()
        self.taken()

    def _drain(self) -> None:
        while True:
            try:
                data, (interface, _, kind, *_) = self._socket.recvfrom(_LONGEST, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            # On loopback each comes in as well; what comes in from elsewhere was sent by somebody else.
            if kind == _OUTGOING and (packet := read_packet(interface, data)) is not None:
                self.packets.append(packet)


def read_packet(interface: str, data: bytes) -> Packet | None:
    """A packet from its bytes, from the IP header on; None for what the kernel sends for itself."""
    version = data[0] >> 4 if data else 0
    if version == 4:
        number, start = data[9], (data[0] & 15) * 4
        end = struct.unpack(">H", data[2:4])[0] or len(data)
        ends = [socket.inet_ntop(socket.AF_INET, data[at : at + 4]) for at in (12, 16)]
    elif version == 6:
        number, start, end = data[6], 40, len(data)
        ends = [socket.inet_ntop(socket.AF_INET6, data[at : at + 16]) for at in (8, 24)]
        if number == 0:  # options for every hop, which group membership reports carry
            number, start = data[40], 40 + (data[41] + 1) * 8
    else:
        return Packet(interface, f"ethernet {data[:4].hex()}", "", 0, "", 0, data)
    protocol, body = _PROTOCOLS.get(number, str(number)), data[start:end]
    if protocol == "icmpv6" and body and body[0] in _KERNELS_OWN_ICMP6:
        return None
    ports, sequence, flags, header = (0, 0), 0, 0, 0
    if protocol in ("tcp", "udp") and len(body) >= 8:
        ports, header = struct.unpack(">HH", body[:4]), 8
    if protocol == "tcp" and len(body) >= 20:
        sequence, header, flags = struct.unpack(">I", body[4:8])[0], (body[12] >> 4) * 4, body[13]
    return Packet(interface, protocol, ends[0], ports[0], ends[1], ports[1], body[header:], sequence, flags)


def streams(packets: Iterable[Packet]) -> dict[Flow, bytes]:
    """What TCP carried, put together in order, for each direction of each connection."""
    pieces: dict[Flow, list[Packet]] = defaultdict(list)
    for each in packets:
        if each.protocol == "tcp":
            pieces[each.source, each.source_port, each.target, each.target_port].append(each)
    return {flow: _put_together(found) for flow, found in pieces.items()}


def _put_together(packets: list[Packet]) -> bytes:
    syn = next((each for each in packets if each.flags & 2), packets[0])
    first = syn.sequence + (1 if syn.flags & 2 else 0)
    whole = bytearray()
    for each in sorted(packets, key=lambda packet: (packet.sequence - first) & 0xFFFFFFFF):
        at = (each.sequence - first) & 0xFFFFFFFF
        if each.payload and not each.flags & 2:
            whole[at : at + len(each.payload)] = each.payload
    return bytes(whole)


def may_capture() -> bool:
    """Whether this process may see packets."""
    try:
        socket.socket(getattr(socket, "AF_PACKET", -1), socket.SOCK_DGRAM, socket.htons(_ALL)).close()
    except OSError:
        return False
    return True
