"""The rows of Benchmarks/policy: a site, what is done with it, and what was asked."""

import dataclasses
import os
import random
import re
import subprocess
import time
from pathlib import Path

from .errors import MachineLacks, WrongAnswers
from .packets.policy import Crossing
from .packets.writings import Crossed

BUILT = Path(__file__).resolve().parent.parent.parent / ".build/release/gatehouse"

# What a command may take before the row is given up: far above what is asked.
LONGEST = 300


def require_namespaces():
    """Throws unless rulesets can be tried in a network namespace here."""
    if os.geteuid() != 0:
        raise MachineLacks("root is needed: a namespace of a user's takes only some hundred rules at a time")
    try:
        subprocess.run(["unshare", "-n", "nft", "list", "ruleset"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineLacks(f"no network namespace with nft: {error}") from error


@dataclasses.dataclass
class Run:
    """One command: how long it took, what it and its children used, and what it wrote."""

    seconds: float
    cpu: float
    megabytes: float
    status: int
    output: str


def run(command):
    """Runs a command to its end."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    if seconds > LONGEST:
        raise WrongAnswers(f"{command} took {seconds:.0f} s")
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode, output.decode())


def lines_of_rules(count, to, seed, overlapping):
    """Lines of `deny` and `allow` as a site file has them: /24s, /16s, prefixes of IPv6, ports and ranges of ports.

    Where they overlap, prefixes of every length lie within each other, and a third of the lines refuses.
    """
    chance = random.Random(seed)
    lines = {"deny": [], "allow": []}
    for _ in range(count):
        kind = "deny" if chance.random() < (0.3 if overlapping else 0.05) else "allow"
        service = f"s{chance.randrange(200)}" if chance.random() < (0.5 if overlapping else 0.8) else (
            f"r{chance.randrange(40)}")
        if overlapping:
            length = chance.choice([8, 12, 16, 20, 24, 28])
            bits = (0x50000000 | chance.getrandbits(28)) >> (32 - length) << (32 - length)
            network = ".".join(str(bits >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{length}"
        elif chance.random() < 0.7:
            network = f"{80 + chance.randrange(40)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24"
        elif chance.random() < 0.5:
            network = f"{80 + chance.randrange(40)}.{chance.randrange(256)}.0.0/16"
        else:
            network = f"'2a00:{chance.randrange(1, 65536):x}:{chance.randrange(1, 65536):x}::/48'"
        limit = ", limit: 10/m" if kind == "allow" and chance.random() < 0.02 else ""
        lines[kind].append(f"    - {{ from: {network}, to: {to}, services: {service}{limit} }}\n")
    return lines


def site(hosts, rules, overlapping=False):
    """A site of so many servers, each with so many rules."""
    text = "site: bench.example\nhosts:\n"
    for host in range(hosts):
        text += (f"  h{host}: {{ roles: [server], interfaces: {{ eth0: {{ zone: outside, addresses: "
                 f"[10.1.{host // 250}.{host % 250 + 1}/16, 'fd00:1::{host + 1:x}/64'] }} }} }}\n")
    text += "services:\n" + "".join(f"  s{index}: tcp/{1000 + index * 7}\n" for index in range(200))
    text += "".join(f"  r{index}: udp/{20000 + index * 50}-{20060 + index * 51}\n" for index in range(40))
    text += "firewall:\n"
    for kind, lines in lines_of_rules(rules, "all", 7, overlapping).items():
        text += f"  {kind}:\n" + "".join(lines)
    return text


def site_of_addresses(count):
    """One server, and two lines about so many single addresses, of which no two touch."""
    chance = random.Random(11)
    addresses = sorted(chance.sample(range(0x50000000 // 2, 0x60000000 // 2), count))
    words = [".".join(str(number * 2 >> shift & 255) for shift in (24, 16, 8, 0)) for number in addresses]
    half = count // 2
    return (
        "site: bench.example\nnetworks:\n"
        f"  friends: [{', '.join(words[:half])}]\n  foes: [{', '.join(words[half:])}]\n"
        "hosts:\n  h0: { roles: [server], addresses: [10.1.0.1/16] }\nservices: { web: tcp/443, ssh: tcp/22 }\n"
        "firewall:\n  deny: [{ from: foes, to: h0 }]\n"
        "  allow:\n    - { from: friends, to: h0, services: ssh }\n    - { from: any, to: h0, services: web }\n"
    )


class Row:
    """One site and one command. A figure that was asked for stands beside the measured one."""

    def __init__(self, name, what, text, command, seconds, megabytes=None, may_be_unknown=False):
        self.name = name
        self._what = what
        self._text = text
        self._command = command
        self._seconds = seconds
        self._megabytes = megabytes
        self._may_be_unknown = may_be_unknown

    def measured(self, program, folder, rounds):
        """The row's lines, after `rounds` runs of its command."""
        file = folder / f"{self.name}.yaml"
        file.write_text(self._text())
        out = folder / self.name
        command = [str(program), "policy", *self._command, "--site", str(file)]
        if self._command[0] == "compile":
            command += ["--all", "--out", str(out)]
        runs = [run(command) for _ in range(rounds)]
        best = min(runs, key=lambda one: one.seconds)
        text = [f"{self.name}: {self._what}",
                self._beside("seconds", best.seconds, self._seconds),
                f"    cpu seconds   {best.cpu:8.2f}"]
        text.append(self._beside("megabytes", max(one.megabytes for one in runs), self._megabytes))
        if self._command[0] != "compile":
            text += [f"    answers       {self._answers(runs)}", *self._shares(program, file, out, best)]
        elif any(one.status != 0 for one in runs):
            raise WrongAnswers(f"{self.name}: {runs[0].output[:2000]}")
        return "\n".join(text) + "\n"

    @staticmethod
    def _beside(word, measured, asked):
        verdict = "" if asked is None else f"   asked {asked:g}   {'reached' if measured <= asked else 'MISSED'}"
        return f"    {word:13} {measured:8.2f}{verdict}"

    def _answers(self, runs):
        counts = {}
        for one in runs:
            for word in re.findall(r"^(proved|BROKEN|unknown|refused|unproved) ", one.output, re.MULTILINE):
                counts[word] = counts.get(word, 0) + 1
        allowed = {"proved", "unknown"} if self._may_be_unknown else {"proved"}
        if not counts or set(counts) - allowed:
            raise WrongAnswers(f"{self.name}: {counts}\n{runs[0].output[:2000]}")
        return ", ".join(f"{count // len(runs)} {word}" for word, count in counts.items())

    def _shares(self, program, file, out, whole):
        """How much CPU the compiler takes, and nft for each load and list, as a process of its own; the rest is the proof.

        Where these took more than the whole command, which loads and lists in one child, no rest can be told.
        """
        if self._command[0] != "check":
            return []
        compiling = run([str(program), "policy", "compile", "--site", str(file), "--all", "--out", str(out)]).cpu
        loading = listing = 0.0
        for text in sorted(out.glob("*.nft")):
            both = run(["unshare", "-n", "sh", "-c", f"nft -f {text} && nft -j list ruleset >/dev/null"]).cpu
            alone = run(["unshare", "-n", "nft", "-f", str(text)]).cpu
            loading, listing = loading + alone, listing + max(0.0, both - alone)
        rest = whole.cpu - compiling - loading - listing
        proof = f"{rest:.2f} s" if rest > 0 else "not told apart"
        return [f"    shares of cpu compile {compiling:.2f} s, nft's load {loading:.2f} s, nft's list {listing:.2f} s, "
                f"read and prove {proof}"]


ROWS = [
    Row("hosts-compile", "100 hosts with 1,000 rules each are compiled",
        lambda: site(100, 1000), ["compile"], seconds=2),
    Row("hosts-check", "their rulesets are loaded, read back and proved to be what is meant",
        lambda: site(100, 1000), ["check"], seconds=10),
    Row("hosts-prove", "the claims of the 1,000 lines are proved over all hosts, and hidden lines are looked for",
        lambda: site(100, 1000), ["prove"], seconds=10),
    Row("addresses", "one host with 100,000 addresses in sets is compiled",
        lambda: site_of_addresses(100_000), ["compile"], seconds=1, megabytes=300),
    Row("overlaps", "10,000 overlapping rules on one host are loaded, read back and proved, or honestly unknown",
        lambda: site(1, 10_000, overlapping=True), ["check"], seconds=5, may_be_unknown=True),
    Row("crossing", "the same of 10,000 lines, each of a prefix and one of 800 ranges of ports, all of which overlap",
        lambda: Crossed(BUILT).site(Crossing(10_000)), ["check"], seconds=5, may_be_unknown=True),
]
