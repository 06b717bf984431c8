"""Hosts in network namespaces, each with a wire of its own to the sender, who is in the namespace around them."""

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

from ..errors import MachineLacks, WrongAnswers
from .policy import HOST, UDP_PORTS

MAC = bytes.fromhex("020000000010")

SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_QDISC_BYPASS = 20
NETLINK_NETFILTER = 12
DELETE_CONNECTIONS = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def enter_own(environment):
    """Begins this program again in namespaces of its own, which go with it however it ends."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    program = shutil.which("unshare")
    if program is None:
        raise MachineLacks("unshare is not installed (util-linux)")
    os.execve(program, command + [sys.executable, *sys.argv], environment)


def run(*command):
    """Runs a tool to its end."""
    made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if made.returncode != 0:
        raise MachineLacks(f"{' '.join(command)}: status {made.returncode}\n{(made.stdout + made.stderr)[-2000:]}")
    return made.stdout


def build():
    """Prepares the namespace around all hosts."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")


class _Inside:
    """Sockets that are made in the `with` belong to the host's network."""

    def __init__(self, name):
        self._name = name

    def __enter__(self):
        self._before = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._enter(os.open(f"/run/netns/{self._name}", os.O_RDONLY))

    def __exit__(self, *_):
        self._enter(self._before)

    @staticmethod
    def _enter(descriptor):
        if _libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise MachineLacks(f"setns: {os.strerror(ctypes.get_errno())}")
        os.close(descriptor)


class Host:
    """The host of the policy, in a namespace. Every service of UDP has a socket that nobody reads."""

    def __init__(self, number):
        self._name = f"host{number}"
        wire = f"wire{number}"
        run("ip", "netns", "add", self._name)
        mac = ":".join(f"{byte:02x}" for byte in MAC)
        run("ip", "link", "add", wire, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", self._name)
        run("ip", "link", "set", wire, "arp", "off", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("sh", "-ec", "echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; "
                              "echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6; "
                              "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad; "
                              "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra")
        self.run("ip", "link", "set", "eth0", "arp", "off", "up")
        for version, interface in HOST.items():
            self.run("ip", f"-{version}", "addr", "add", str(interface), "dev", "eth0", "nodad")
            self.run("ip", f"-{version}", "route", "add", "default", "dev", "eth0")
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.wire.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self.wire.bind((wire, 0))
        with _Inside(self._name):
            self._connections = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            self._servers = {port: self._server(port) for port in UDP_PORTS}

    @staticmethod
    def _server(port):
        """Full after a packet or two: what comes more costs the least that a delivery can."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        server.bind(("0.0.0.0", port))
        return server

    def run(self, *command):
        """Runs a tool in the host's network."""
        return run("ip", "netns", "exec", self._name, *command)

    def forget(self):
        """Deletes every tracked connection."""
        message = struct.pack("=IHHIIBBH", 20, DELETE_CONNECTIONS, 1 | 4, 1, 0, 0, 0, 0)  # REQUEST, ACK
        self._connections.send(message)
        answer = self._connections.recv(4096)
        error = struct.unpack_from("=i", answer, 16)[0]
        if error != 0:
            raise MachineLacks(f"connections cannot be deleted: {os.strerror(-error)}")

    def establish(self, frames, port):
        """Sends each frame and has the service answer, so that its connection is established."""
        server = self._servers[port]
        server.settimeout(0)
        try:
            while True:
                server.recv(2000)
        except BlockingIOError:
            pass
        server.settimeout(10)
        for frame in frames:
            self.wire.send(frame)
            try:
                data, peer = server.recvfrom(2000)
            except TimeoutError as error:
                raise WrongAnswers("a connection that should be established was not let in") from error
            server.sendto(data, peer)

    def admitted(self, frames, last):
        """The numbers of the frames that got through the rules; `last`, which must, tells that all were worked off."""
        with _Inside(self._name):
            taps = [socket.socket(family, socket.SOCK_RAW, kind)
                    for family in (socket.AF_INET, socket.AF_INET6)
                    for kind in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)]
        found = set()
        try:
            for tap in taps:
                tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            for frame in frames:
                self.wire.send(frame)
            self.wire.send(last)
            end = time.monotonic() + 30
            while int(last[-6:]) not in found:
                if time.monotonic() > end:
                    raise WrongAnswers("a packet that the first rule lets in did not arrive")
                for tap in taps:
                    found |= _numbers(tap)
        finally:
            for tap in taps:
                tap.close()
        return found - {int(last[-6:])}


def _numbers(tap):
    """The numbers at the ends of the packets that wait."""
    found = set()
    while True:
        try:
            data = tap.recv(2000, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return found
        if data[-8:-6] == b"GH" and data[-6:].isdigit():
            found.add(int(data[-6:]))
