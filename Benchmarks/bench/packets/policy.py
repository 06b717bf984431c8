"""The policy that is measured: who may reach which service of one host. No program's words are in here."""

import dataclasses
import ipaddress
import random

# The host, as a site would have it: an address of each family.
HOST = {4: ipaddress.ip_interface("198.51.100.10/24"), 6: ipaddress.ip_interface("2001:db8:1::10/64")}

SERVICES = {
    "ssh": ("tcp", 22), "smtp": ("tcp", 25), "http": ("tcp", 80), "imap": ("tcp", 143), "ldap": ("tcp", 389),
    "https": ("tcp", 443), "submission": ("tcp", 587), "ldaps": ("tcp", 636), "rsync": ("tcp", 873),
    "imaps": ("tcp", 993), "nfs": ("tcp", 2049), "mysql": ("tcp", 3306), "postgresql": ("tcp", 5432),
    "amqp": ("tcp", 5672), "redis": ("tcp", 6379), "app": ("tcp", 8080), "prometheus": ("tcp", 9090),
    "node-exporter": ("tcp", 9100), "elasticsearch": ("tcp", 9200), "git": ("tcp", 9418),
    "dns": ("udp", 53), "tftp": ("udp", 69), "ntp": ("udp", 123), "snmp": ("udp", 161), "syslog": ("udp", 514),
    "radius": ("udp", 1812), "ipsec": ("udp", 4500), "sip": ("udp", 5060), "statsd": ("udp", 8125),
    "wireguard": ("udp", 51820),
}
# Services of many ports, of which nearly every two overlap: what lines that cross each other ask for.
_chance = random.Random(800)
RANGES = {f"range-{number}": (_chance.choice(["tcp", "udp"]), first, first + _chance.randrange(1, 12_000))
          for number, first in enumerate(_chance.randrange(1, 53_000) for _ in range(800))}
UDP_PORTS = sorted(port for kind, port in SERVICES.values() if kind == "udp")

# Where the first, the middle and the last line of `allow` let come from, which no other line names.
MARKED = {
    "first": (ipaddress.ip_network("77.1.0.0/24"), "dns"),
    "middle": (ipaddress.ip_network("77.2.0.0/24"), "syslog"),
    "last": (ipaddress.ip_network("77.3.0.0/24"), "snmp"),
}
# From where nothing is let in.
STRANGERS = ipaddress.ip_network("77.4.0.0/24")


@dataclasses.dataclass(frozen=True)
class Line:
    """Lets a network reach one service; or, without a service, keeps it from every one."""

    source: ipaddress.IPv4Network | ipaddress.IPv6Network
    service: str | None = None

    @property
    def protocol(self):
        return (SERVICES.get(self.service) or RANGES[self.service])[0]

    @property
    def port(self):
        return SERVICES[self.service][1]

    @property
    def ports(self):
        """The first and the last."""
        return RANGES[self.service][1:] if self.service in RANGES else (self.port, self.port)

    def is_about(self, packet):
        if packet.source not in self.source:
            return False
        if self.service is None:
            return True
        first, last = self.ports
        return self.protocol == packet.protocol and first <= packet.port <= last


@dataclasses.dataclass(frozen=True)
class Sample:
    """The first packet of a connection."""

    source: ipaddress.IPv4Address | ipaddress.IPv6Address
    protocol: str
    port: int


class Policy:
    """So many lines: one in twenty blocks a network, the others let one reach a service. Blocking goes first."""

    services = SERVICES

    def __init__(self, count):
        self.count = count
        chance = random.Random(count)
        blocked = max(1, count // 20)
        self.deny = [Line(_network(chance)) for _ in range(blocked)]
        services = sorted(SERVICES)
        self.allow = [Line(_network(chance), chance.choice(services)) for _ in range(count - blocked)]
        for (network, service), index in zip(MARKED.values(), (0, len(self.allow) // 2, len(self.allow) - 1)):
            self.allow[index] = Line(network, service)

    def admits(self, packet):
        """The policy's word on a packet, line by line."""
        if any(line.is_about(packet) for line in self.deny):
            return False
        return any(line.is_about(packet) for line in self.allow)

    def open_to_udp(self):
        """Sources and ports of IPv4 that reach a service of UDP, from lines at all places."""
        lines = [line for line in self.allow if line.source.version == 4 and line.protocol == "udp"]
        places = [(line.source[0] if line.source.prefixlen == 32 else line.source[1], line.port) for line in lines]
        return [(source, port) for source, port in places if self.admits(Sample(source, "udp", port))]

    def closed_to_udp(self):
        """Sources and ports of which nothing is let in."""
        return [(STRANGERS[1 + index], SERVICES["dns"][1]) for index in range(16)]

    def samples(self, count):
        """Packets in and around what the lines name, to services they name and to others."""
        chance = random.Random(-self.count)
        lines = self.allow + self.deny
        found = []
        for _ in range(count):
            line = chance.choice(lines)
            first, last = int(line.source[0]), int(line.source[-1])
            number = chance.choice([first, last, chance.randint(first, last), chance.randint(first, last),
                                    first - 1, last + 1])
            service = line.service if line.service and chance.random() < 0.7 else chance.choice(sorted(SERVICES))
            kind, port = SERVICES[service]
            if chance.random() < 0.1:
                kind = {"tcp": "udp", "udp": "tcp"}[kind]
            if chance.random() < 0.1:
                port += chance.choice([-1, 1])
            found.append(Sample(type(line.source[0])(number), kind, port))
        return found


class Crossing(Policy):
    """Lines that overlap in sources and in ports: a prefix of 8 to 28 bits each, and one of 800 ranges of ports. Two in
    five are refusals, and these go first."""

    services = SERVICES | RANGES

    def __init__(self, count):
        self.count = count
        chance = random.Random(count)
        names = sorted(RANGES)

        def line():
            bits, length = (chance.randrange(80, 100) << 24) | chance.getrandbits(24), chance.randint(8, 28)
            source = ipaddress.IPv4Network((bits >> (32 - length) << (32 - length), length))
            return Line(source, chance.choice(names))

        self.deny = [line() for _ in range(count * 2 // 5)]
        self.allow = [line() for _ in range(count - len(self.deny))]
        for (network, service), index in zip(MARKED.values(), (0, len(self.allow) // 2, len(self.allow) - 1)):
            self.allow[index] = Line(network, service)

    def open_to_udp(self):
        return self._udp(True)

    def closed_to_udp(self):
        return self._udp(False)

    def _udp(self, is_open):
        """A thousand sources in networks of the lines and ports that listen, which all are let in or none."""
        chance = random.Random(self.count + is_open)
        found = []
        while len(found) < 1_000:
            source = chance.choice(self.allow).source
            place = (source[chance.randrange(source.num_addresses)], chance.choice(UDP_PORTS))
            if self.admits(Sample(place[0], "udp", place[1])) == is_open:
                found.append(place)
        return found

    def samples(self, count):
        """Half of them let in, since most of what the lines name is not."""
        chance = random.Random(-self.count)
        found = {True: [], False: []}
        while min(map(len, found.values())) < count // 2:
            source = chance.choice(self.allow + self.deny).source
            kind, port = SERVICES[chance.choice(sorted(SERVICES))]
            packet = Sample(source[chance.randrange(source.num_addresses)], kind, port)
            found[self.admits(packet)].append(packet)
        both = found[True][:count // 2] + found[False][:count // 2]
        chance.shuffle(both)
        return both


def _network(chance):
    """A customer's, a partner's, a provider's: most are /24s or single hosts, one in five is of IPv6."""
    if chance.random() < 0.2:
        length = chance.choice([48, 56, 64, 128])
        bits = (0x2A00 << 112) | chance.getrandbits(112)
        return ipaddress.IPv6Network((bits >> (128 - length) << (128 - length), length))
    length = chance.choices([16, 20, 24, 28, 32], weights=[1, 2, 10, 3, 6])[0]
    bits = (chance.randrange(80, 100) << 24) | chance.getrandbits(24)
    return ipaddress.IPv4Network((bits >> (32 - length) << (32 - length), length))
