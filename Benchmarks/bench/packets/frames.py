"""Frames as they go over a wire, and the sending of many at once."""

import ctypes
import functools
import os
import random
import struct
import time

from .network import MAC
from .policy import HOST, MARKED, SERVICES

# Connections of a sample: less than an eighth of what the kernel tracks by default.
FLOWS = 24_576
ESTABLISHED = 64
FIRST_PORT = 1_024
# How many frames go to the kernel with one call.
CHUNK = 64

_libc = ctypes.CDLL(None, use_errno=True)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source, protocol, source_port, port, number=0):
    """The first packet of a connection to the host, with a number at its end."""
    ends = source.packed + HOST[source.version].ip.packed
    tail = b"GH%06d" % number
    if protocol == "tcp":
        kind, place = 6, 16
        body = struct.pack("!HHIIBBHHH", source_port, port, 1000, 0, 5 << 4, 0x02, 1024, 0, 0) + tail
    else:
        kind, place = 17, 6
        body = struct.pack("!HHHH", source_port, port, 8 + len(tail), 0) + tail
    sum_of_body = checksum(ends + struct.pack("!IHBB", len(body), 0, 0, kind) + body) or 0xFFFF
    body = body[:place] + struct.pack("!H", sum_of_body) + body[place + 2:]
    if source.version == 6:
        return MAC + bytes(6) + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(body), kind, 64) + ends + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, kind, 0) + ends
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return MAC + bytes(6) + b"\x08\x00" + head + body


class Burst:
    """Frames in memory as sendmmsg(2) takes them."""

    def __init__(self, frames):
        self.frames = frames
        self._bytes = ctypes.create_string_buffer(b"".join(frames), sum(map(len, frames)))
        place, parts = ctypes.addressof(self._bytes), []
        for one in frames:
            parts.append(struct.pack("=QQ", place, len(one)))
            place += len(one)
        self._parts = ctypes.create_string_buffer(b"".join(parts), 16 * len(frames))
        first = ctypes.addressof(self._parts)
        heads = (struct.pack("=QI4xQQQQi4xI4x", 0, 0, first + 16 * index, 1, 0, 0, 0, 0)
                 for index in range(len(frames)))
        self._heads = ctypes.create_string_buffer(b"".join(heads), 64 * len(frames))

    def __len__(self):
        return len(self.frames)

    def send(self, wire, milliseconds, is_repeated):
        """Sends for so long, or until all are sent once.

        Gives the number of frames, the nanoseconds by the clock, and those that this thread had of the processor:
        what the host does with a frame that comes over a veth pair is done in the sender's time.
        """
        heads, descriptor, count, sent = ctypes.addressof(self._heads), wire.fileno(), len(self), 0
        send = _libc.sendmmsg
        start, cpu = time.monotonic_ns(), time.thread_time_ns()
        end = start + milliseconds * 1_000_000
        while (now := time.monotonic_ns()) < end:
            place = sent % count
            if sent and place == 0 and not is_repeated:
                break
            done = send(descriptor, ctypes.c_void_p(heads + 64 * place), min(CHUNK, count - place), 0)
            if done <= 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            sent += done
        return sent, max(1, time.monotonic_ns() - start), max(1, time.thread_time_ns() - cpu)


@functools.cache
def new_flows(source, port, count=FLOWS):
    """The first packets of connections from sixteen hosts of a network, each from a port of its own."""
    return Burst([frame(source[1 + index % 16], "udp", FIRST_PORT + index, port) for index in range(count)])


def of_policy(policy):
    """The bursts that a policy is measured with, by name; each is of new connections but for `established`."""
    network, service = MARKED["first"]
    found = {"established": new_flows(network, SERVICES[service][1], ESTABLISHED)}
    for name, (network, service) in MARKED.items():
        found[name] = new_flows(network, SERVICES[service][1])
    places = policy.open_to_udp()
    chance = random.Random(policy.count)
    mixed = (chance.choice(places) for _ in range(FLOWS))
    found["mixed"] = Burst([frame(source, "udp", FIRST_PORT + index, port)
                            for index, (source, port) in enumerate(mixed)])
    places = policy.closed_to_udp()
    closed = (places[index % len(places)] for index in range(FLOWS))
    found["dropped"] = Burst([frame(source, "udp", FIRST_PORT + index, port)
                              for index, (source, port) in enumerate(closed)])
    return found
