"""The same policy in the words of different programs, each loaded as its users load it."""

import subprocess
import sys
from pathlib import Path

from ..errors import MachineLacks
from .policy import HOST, Crossing, Policy

FIREWALLD = Path(__file__).resolve().parent / "firewalld.py"
# firewalld builds and checks 10,000 rules in Python.
LONGEST = 600

DEFENCES = ["loopback-spoofing", "spoofing", "broadcast-source", "bogons", "tcp-flags", "small-segments",
            "off-link", "connection-flood"]


def tool(command, lacking):
    """Runs a tool to its end; what it says when it cannot."""
    try:
        made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST)
    except FileNotFoundError as error:
        raise MachineLacks(f"{command[0]} is not installed: `make bench` installs it") from error
    except subprocess.TimeoutExpired as error:
        raise MachineLacks(f"{lacking}: not within {LONGEST} s") from error
    if made.returncode != 0:
        raise MachineLacks(f"{lacking}: status {made.returncode}\n{(made.stdout + made.stderr)[-2000:]}")
    return made.stdout


class Gatehouse:
    """The site file, compiled. Without defences and log it means what the others mean."""

    name = "gatehouse"
    hardened = False
    policies = Policy

    def __init__(self, program):
        self._program = program

    def version(self):
        return tool([str(self._program), "--version"], "gatehouse").strip()

    def write(self, policy, folder):
        site = folder / f"{self.name}.yaml"
        site.write_text(self.site(policy))
        out = folder / self.name
        tool([str(self._program), "policy", "compile", "--all", "--out", str(out), "--site", str(site)], "compile")
        return out / "edge.nft"

    def site(self, policy):
        text = ("site: bench.example\nhosts:\n  edge: { roles: [server], interfaces: { eth0: { zone: outside, "
                f"addresses: [{HOST[4]}, '{HOST[6]}'] }} }} }}\nservices:\n")
        text += "".join(f"  {name}: {kind}/{'-'.join(map(str, ports))}\n"
                        for name, (kind, *ports) in policy.services.items())
        text += "firewall:\n"
        if not self.hardened:
            switches = ", ".join(f"{name}: false" for name in DEFENCES)
            text += f"  log-dropped: false\n  defences: {{ {switches} }}\n"
        text += "  deny:\n" + "".join(
            f"    - {{ from: '{line.source}', to: edge{f', services: {line.service}' if line.service else ''} }}\n"
            for line in policy.deny)
        return text + "  allow:\n" + "".join(
            f"    - {{ from: '{line.source}', to: edge, services: {line.service} }}\n" for line in policy.allow)

    def load(self, file, host):
        host.run("nft", "-f", str(file))


class Hardened(Gatehouse):
    """The same with all that comes with the house: its defences before, and a log of what is dropped."""

    name = "gatehouse+"
    hardened = True


class Crossed(Gatehouse):
    """Lines that overlap in sources and in ports, which no lookup tells apart."""

    name = "crossing"
    policies = Crossing


class Linear:
    """nftables as many write it by hand: a rule for each line, one after the other."""

    name = "linear"
    policies = Policy

    def __init__(self, _program):
        pass

    def version(self):
        return tool(["nft", "--version"], "nft").strip()

    def write(self, policy, folder):
        rules = [f"{_family(line)} saddr {line.source} {_ports(line)}drop" for line in policy.deny]
        rules += [f"{_family(line)} saddr {line.source} {_ports(line)}accept" for line in policy.allow]
        file = folder / "linear.nft"
        file.write_text(
            "table inet linear {\n  chain input {\n    type filter hook input priority filter; policy drop\n"
            '    iifname "lo" accept\n    ct state vmap { established : accept, related : accept, invalid : drop }\n'
            "    meta l4proto { icmp, ipv6-icmp } accept\n" + "".join(f"    {rule}\n" for rule in rules) + "  }\n}\n")
        return file

    def load(self, file, host):
        host.run("nft", "-f", str(file))


class CrossedLinear(Linear):
    """The lines that cross each other, one after the other."""

    name = "crossing-linear"
    policies = Crossing


class Ferm:
    """ferm, which calls iptables-restore: on Debian that of nftables."""

    name = "ferm"
    policies = Policy

    def __init__(self, _program):
        pass

    def version(self):
        said = tool(["ferm", "--version"], "ferm").split("\n")[0]
        return f"{said}, {tool(['iptables', '--version'], 'iptables').strip()}"

    def write(self, policy, folder):
        text = ""
        for domain, version, icmp in (("ip", 4, "icmp"), ("ip6", 6, "ipv6-icmp")):
            text += (f"domain {domain} table filter {{\n  chain INPUT {{\n    policy DROP;\n    interface lo ACCEPT;\n"
                     "    mod conntrack ctstate (ESTABLISHED RELATED) ACCEPT;\n    mod conntrack ctstate INVALID DROP;\n"
                     f"    proto {icmp} ACCEPT;\n")
            text += "".join(f"    saddr {line.source} DROP;\n" for line in policy.deny
                            if line.source.version == version)
            text += "".join(f"    saddr {line.source} proto {line.protocol} dport {line.port} ACCEPT;\n"
                            for line in policy.allow if line.source.version == version)
            text += "  }\n  chain FORWARD policy DROP;\n  chain OUTPUT policy ACCEPT;\n}\n"
        file = folder / "ferm.conf"
        file.write_text(text)
        return file

    def load(self, file, host):
        host.run("ferm", str(file))


class Firewalld:
    """firewalld's nftables backend: a zone with a rich rule for each line, as its manual says to write them."""

    name = "firewalld"
    policies = Policy

    def __init__(self, _program):
        pass

    def version(self):
        return tool([sys.executable, str(FIREWALLD)], "firewalld").strip()

    def write(self, policy, folder):
        rules = "".join(f'  <rule family="{_family_word(line)}"><source address="{line.source}"/><drop/></rule>\n'
                        for line in policy.deny)
        rules += "".join(f'  <rule family="{_family_word(line)}"><source address="{line.source}"/>'
                         f'<port port="{line.port}" protocol="{line.protocol}"/><accept/></rule>\n'
                         for line in policy.allow)
        settings = folder / "firewalld"
        (settings / "zones").mkdir(parents=True, exist_ok=True)
        (settings / "zones/bench.xml").write_text(f'<?xml version="1.0"?>\n<zone target="DROP">\n{rules}</zone>\n')
        (settings / "firewalld.conf").write_text(
            "DefaultZone=bench\nFirewallBackend=nftables\nIPv6_rpfilter=no\nLogDenied=off\nIndividualCalls=no\n")
        return settings

    def load(self, settings, host):
        host.run(sys.executable, str(FIREWALLD), str(settings))


def _ports(line):
    return f"{line.protocol} dport {'-'.join(map(str, sorted(set(line.ports))))} " if line.service else ""


def _family(line):
    return "ip" if line.source.version == 4 else "ip6"


def _family_word(line):
    return f"ipv{line.source.version}"


class Floor:
    """Connection tracking, and no rule that asks who it is: what a packet costs without a policy."""

    name = "no rules"

    def write(self, _policy, folder):
        file = folder / "floor.nft"
        file.write_text("table inet floor {\n  chain input {\n    type filter hook input priority filter\n"
                        "    ct state vmap { established : accept, related : accept, invalid : drop }\n  }\n}\n")
        return file

    def load(self, file, host):
        host.run("nft", "-f", str(file))


BY_NAME = {kind.name: kind for kind in (Gatehouse, Hardened, Linear, Ferm, Firewalld, Crossed, CrossedLinear)}


def available(names, program):
    """The writings that this machine can load, and a line for each that it cannot."""
    if not program.exists():
        raise MachineLacks(f"{program} is not there: `make build` makes it")
    present, absent = [], []
    for name in names:
        writing = BY_NAME[name](program)
        try:
            writing.version()
            present.append(writing)
        except MachineLacks as error:
            absent.append(f"{name} is left out: {error}")
    return present, absent


def versions(present):
    """Versions by name, each program once."""
    return {writing.name: writing.version() for writing in present if type(writing).__bases__ == (object,)}
