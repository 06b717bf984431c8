"""What a table must say of the machine it was made on."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

from .errors import MachineLacks
from .processes import LOAD_CORE, PROXY_CORE


def require_cores():
    """Throws unless there are two cores to tell apart."""
    cores = os.sched_getaffinity(0)
    if not {PROXY_CORE, LOAD_CORE} <= cores:
        raise MachineLacks(f"cores {PROXY_CORE} and {LOAD_CORE} are needed; this process may use {sorted(cores)}")


def of_processor():
    """Facts by name that do not hang on what is compared, in the order in which they are printed."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    siblings = Path(f"/sys/devices/system/cpu/cpu{PROXY_CORE}/topology/thread_siblings_list")
    shared = siblings.exists() and _holds(siblings.read_text(), LOAD_CORE)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores",
        "cores": "0 and 1 are threads of one core: figures will vary" if shared else "0 and 1 are cores of their own",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": " ".join(Path("/proc/loadavg").read_text().split()[:3]),
    }


def description():
    """All facts by name, in the order in which they are printed."""
    return {
        **of_processor(),
        "wrk": _version(["wrk", "-v"]),
        "h2load": _version(["h2load", "--version"]),
        "openssl": _version(["openssl", "version"]),
    }


def _holds(cpu_list, core):
    """Whether a list such as "0-3,8" holds the core."""
    for part in cpu_list.strip().split(","):
        first, _, last = part.partition("-")
        if int(first) <= core <= int(last or first):
            return True
    return False


def _version(command):
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except FileNotFoundError as error:
        raise MachineLacks(f"{command[0]} is not installed: `make bench` installs it") from error
    found = re.search(r"\d+\.\d+[^\s\]]*", made.stdout + made.stderr)
    return found.group() if found else "unknown"
