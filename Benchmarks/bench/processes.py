"""Server processes: started on the cores they may have, their whole tree counted, stopped by process id."""

import os
import signal
import subprocess
import time
from pathlib import Path

from .errors import MachineLacks, WrongAnswers

PROXY_CORE = 0
LOAD_CORE = 1


def cpu_clock(pid):
    """The CPU time of one process, user and system, in nanoseconds, with all its threads, also those that ended.

    It is the process's CPU-time clock (clock_getcpuclockid(3)), whose number is made from the process id. The kernel
    accounts it to the nanosecond and up to this very moment; utime and stime in /proc/PID/stat are the same clock cut
    into hundredths of a second, and /proc/PID/task/*/schedstat lags by a tick and forgets threads that ended.
    """
    scheduler_clock = 2  # CPUCLOCK_SCHED
    return time.clock_gettime_ns((~pid << 3) | scheduler_clock)


def core_busy(core):
    """How long a core was not idle, whoever used it, in nanoseconds, to a hundredth of a second; stolen time included."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, ticks[:8])
            busy = user + nice + system + interrupts + soft_interrupts + stolen
            return busy * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    raise MachineLacks(f"/proc/stat knows no core {core}")


def parents():
    """Parent of each process on the machine, by process id."""
    result = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path("/proc", entry, "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        # The name, in brackets, may hold spaces: the fields are counted from the last bracket.
        result[int(entry)] = int(text.rpartition(")")[2].split()[1])
    return result


class ServerProcess:
    """A server and all its descendants, bound to `cores`, a set."""

    def __init__(self, name, command, cores, directory):
        self.name = name
        self.cores = cores
        self.output = Path(directory, "output.txt")
        with open(self.output, "ab") as output:
            # A child has the cores of the thread that starts it.
            os.sched_setaffinity(0, cores)
            try:
                self.process = subprocess.Popen(
                    command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            finally:
                os.sched_setaffinity(0, {LOAD_CORE})

    def tree(self):
        """Process ids of the server and its descendants."""
        parent = parents()
        members = {self.process.pid}
        grown = True
        while grown:
            more = {pid for pid, ppid in parent.items() if ppid in members and pid not in members}
            members |= more
            grown = bool(more)
        return members

    def require_alive(self):
        """Throws with the server's own words when it has ended."""
        if self.process.poll() is not None:
            text = self.output.read_text(errors="replace")[-2000:]
            raise WrongAnswers(f"{self.name} ended with status {self.process.returncode}. Its last words:\n{text}")

    def pin(self):
        """Binds every thread of the tree to the cores, should the server have set its own mind."""
        for pid in self.tree():
            for task in Path("/proc", str(pid), "task").iterdir():
                os.sched_setaffinity(int(task.name), self.cores)

    def cpu(self):
        """CPU time of each process of the tree, in nanoseconds, by process id."""
        return {pid: cpu_clock(pid) for pid in self.tree()}

    def cpu_since(self, before):
        """CPU time in nanoseconds of the whole tree since `before`, an answer of `cpu`.

        A process that has vanished took its time with it and was a crash: that is an error.
        """
        self.require_alive()
        now = self.cpu()
        vanished = before.keys() - now.keys()
        if vanished:
            raise WrongAnswers(f"{self.name}: {len(vanished)} of its processes ended under load")
        return sum(now.values()) - sum(before.values())

    def memory(self):
        """Proportional set size of the whole tree in bytes: shared pages are counted once."""
        total = 0
        for pid in self.tree():
            try:
                text = Path("/proc", str(pid), "smaps_rollup").read_text()
            except PermissionError as error:
                # A process that keeps keys may have made itself undumpable, and then only root may look.
                raise MachineLacks(f"the memory of {self.name} may not be read: run as root") from error
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile, as workers do after a reload
            for line in text.splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        """Ends the whole tree: asks, waits, then kills what is left, each by its id."""
        members = self.tree()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in members - {self.process.pid}:
            try:
                # Only if it is still ours, or an orphan: an id may have been given away meanwhile.
                if parents().get(pid) in members | {1, os.getpid()}:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
