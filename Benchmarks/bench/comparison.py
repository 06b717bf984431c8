"""A whole run: rounds of rows of proxies, interleaved, so that what the machine does meanwhile falls on all alike."""

import statistics
import sys
import time

from . import load, rows
from .errors import MachineLacks, WrongAnswers
from .workspace import SMALL


# A measurement during which others had more than this share of the proxy's core is made again, at most so often in all.
DISTURBED = 0.05
TRIES = 3


class Comparison:
    """Samples by row and proxy; why a measurement gave none is kept in `wrong` or `lacking`."""

    # Seconds. Connections, caches and branch predictors are warm after it; the seconds before are not counted.
    warm_up = 1

    def __init__(self, workspace, proxies, chosen_rows, rounds, seconds):
        self.workspace = workspace
        self.proxies = proxies
        self.rows = chosen_rows
        self.rounds = rounds
        self.seconds = seconds
        self.samples = {row.name: {proxy.name: [] for proxy in proxies} for row in chosen_rows}
        self.wrong = []
        self.lacking = []
        self.round = 0
        self._peak = None

    def expected_seconds(self):
        """About how long the run will take."""
        loaded = self.warm_up + self.seconds + 1.5
        idle = 9
        cell = sum(idle if row.figure == "memory" else loaded * row.windows for row in self.rows)
        return self.rounds * cell * len(self.proxies)

    def run(self):
        """Fills `samples` and `wrong`."""
        # What needs a peak waits until all rounds of the others have told it.
        for waits in (False, True):
            for self.round in range(1, self.rounds + 1):
                for row in self.rows:
                    if row.needs_peak == waits:
                        for proxy in self._in_turn():
                            self._measure(row, proxy)

    def _in_turn(self):
        """Each round begins with another proxy, so that none always follows the same one."""
        first = self.round % len(self.proxies)
        return self.proxies[first:] + self.proxies[:first]

    def _measure(self, row, proxy):
        begin = time.monotonic()
        try:
            if row.needs_peak:
                self.slowest_peak()  # while no other proxy runs
            with proxy.running() as server:
                windows = [self._quietest(row, proxy, server) for _ in range(row.windows)]
        except (WrongAnswers, MachineLacks) as error:
            kept = self.wrong if isinstance(error, WrongAnswers) else self.lacking
            kept.append(f"round {self.round}, {row.name}: {error}")
            self._note(f"round {self.round}  {row.name:8} {proxy.name:9} {type(error).__name__}: {error}")
            return
        sample = sorted(windows, key=lambda window: getattr(window, row.figure))[len(windows) // 2]
        self.samples[row.name][proxy.name].append(sample)
        figure = getattr(sample, row.figure)
        took = time.monotonic() - begin
        self._note(f"round {self.round}  {row.name:8} {proxy.name:9} {row.figure} {figure:9.1f}  ({took:.1f} s)")

    def _quietest(self, row, proxy, server):
        """One measurement. When something else had too much of the proxy's core meanwhile, the quietest of three."""
        samples = []
        while len(samples) < TRIES:
            samples.append(row.measure(self, proxy, server))
            if (samples[-1].others or 0) <= DISTURBED:
                return samples[-1]
        return min(samples, key=lambda sample: sample.others)

    @staticmethod
    def _note(line):
        print(line, file=sys.stderr, flush=True)

    def slowest_peak(self):
        """Requests a second of the slowest peer over HTTPS/1.1: found once, so that the rate is one for all."""
        if self._peak is None:
            peers = [proxy for proxy in self.proxies if proxy.is_peer]
            self._peak = min(self._peak_of(proxy) for proxy in peers or self.proxies)
        return self._peak

    def _peak_of(self, proxy):
        measured = self.samples.get(rows.HTTPS11.name, {}).get(proxy.name)
        if measured:
            return statistics.median(sample.rate for sample in measured)
        with proxy.running():
            seen = load.wrk(proxy, self.workspace, self.seconds, connections=64, path="/small", size=SMALL)
        return seen.requests / seen.seconds
