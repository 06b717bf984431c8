"""All hosts, the check that their rulesets mean the same, and the rounds of measuring."""

import dataclasses
import time
from pathlib import Path

from ..errors import WrongAnswers
from . import frames, network
from .policy import MARKED, SERVICES, Policy
from .writings import Floor

# What is measured, and what of it a reader must know.
KINDS = {
    "established": "a packet of a connection that is established",
    "first": "the first packet of a connection that the first line lets in",
    "middle": "the same, by the middle line",
    "last": "the same, by the last line",
    "mixed": "the same, by lines at random",
    "dropped": "a packet that no line lets in",
}

SAMPLES = 1_000


@dataclasses.dataclass
class Sample:
    """One measurement: packets a second by the clock, and nanoseconds of the processor for each."""

    rate: float
    cpu: float


@dataclasses.dataclass
class Subject:
    """A host with a ruleset, and what was measured of it."""

    writing: object
    policy: Policy
    host: network.Host
    seconds_to_load: float
    samples: dict


class Comparison:
    def __init__(self, sizes, writings, folder):
        self.sizes = sizes
        self.writings = writings
        self.floor = None
        self.subjects = []
        self._folder = Path(folder)
        self._bursts = {}

    def prepare(self):
        """Makes and loads every ruleset, and holds each against the policy's own word."""
        network.build()
        kinds = list(dict.fromkeys(writing.policies for writing in self.writings))
        for size in self.sizes:
            policies = {kind: kind(size) for kind in kinds}
            for kind, policy in policies.items():
                self._bursts[policy] = frames.of_policy(policy)
            for writing in self.writings:
                self.subjects.append(self._subject(writing, policies[writing.policies]))
                self._check(self.subjects[-1])
        self.floor = self._subject(Floor(), self.subjects[0].policy)

    def _subject(self, writing, policy):
        folder = self._folder / str(policy.count)
        folder.mkdir(parents=True, exist_ok=True)
        number = len(self.subjects)
        host = network.Host(number)
        start = time.monotonic()
        writing.load(writing.write(policy, folder), host)
        seconds = time.monotonic() - start
        return Subject(writing, policy, host, seconds, {kind: [] for kind in KINDS})

    @staticmethod
    def _check(subject):
        """Sends packets in and around what the lines name: those must arrive that the policy admits, and no other."""
        packets = subject.policy.samples(SAMPLES)
        sent = [frames.frame(packet.source, packet.protocol, 20_000 + number, packet.port, number)
                for number, packet in enumerate(packets)]
        place, service = MARKED["first"]
        last = frames.frame(place[1], "udp", 30_000, SERVICES[service][1], SAMPLES)
        subject.host.forget()
        arrived = subject.host.admitted(sent, last)
        meant = {number for number, packet in enumerate(packets) if subject.policy.admits(packet)}
        if not SAMPLES // 5 < len(meant) < SAMPLES * 4 // 5:
            raise WrongAnswers(f"{len(meant)} of {SAMPLES} packets say too little")
        wrong = sorted(arrived ^ meant)
        if wrong:
            packet = packets[wrong[0]]
            raise WrongAnswers(
                f"{subject.writing.name} with {subject.policy.count} rules decides otherwise about {len(wrong)} of "
                f"{SAMPLES} packets, as {packet}, which should {'' if wrong[0] in meant else 'not '}be let in")

    def measure(self, rounds, milliseconds):
        """Each round measures each kind of packet at each host in turn, so that noise falls on all alike."""
        for number in range(rounds):
            turned = self.subjects + [self.floor]
            turned = turned[number % len(turned):] + turned[:number % len(turned)]
            for kind in KINDS:
                for subject in turned:
                    subject.samples[kind].append(self._sample(subject, kind, milliseconds))

    def _sample(self, subject, kind, milliseconds):
        burst = self._bursts[subject.policy][kind]
        subject.host.forget()
        if kind == "established":
            subject.host.establish(burst.frames, SERVICES[MARKED["first"][1]][1])
        count, passed, used = burst.send(subject.host.wire, milliseconds, is_repeated=kind == "established")
        return Sample(rate=count * 1e9 / passed, cpu=used / count)
