#!/usr/bin/python3
"""Runs a program as on a kernel that lacks some system calls: a seccomp filter lets them fail.

    without-system-calls.py landlock_create_ruleset=ENOSYS seccomp=EINVAL -- PROGRAM ARGUMENT...
"""

import ctypes
import errno
import os
import platform
import struct
import sys

# The architecture as AUDIT_ARCH has it, and the numbers of the calls there.
MACHINES = {
    "x86_64": (0xC000003E, {"landlock_create_ruleset": 444, "seccomp": 317}),
    "aarch64": (0xC00000B7, {"landlock_create_ruleset": 444, "seccomp": 277}),
}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, GIVE = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000


def main():
    border = sys.argv.index("--")
    architecture, numbers = MACHINES[platform.machine()]

    def instruction(code, k, yes=0, no=0):
        return struct.pack("HBBI", code, yes, no, k)

    # Offset 4 of struct seccomp_data is the architecture, offset 0 the number of the call.
    program = [instruction(LOAD, 4), instruction(JUMP_IF_EQUAL, architecture, 1, 0), instruction(GIVE, ALLOW)]
    program.append(instruction(LOAD, 0))
    for word in sys.argv[1:border]:
        call, _, error = word.partition("=")
        program.append(instruction(JUMP_IF_EQUAL, numbers[call], 0, 1))
        program.append(instruction(GIVE, ERROR | getattr(errno, error)))
    program.append(instruction(GIVE, ALLOW))

    code = ctypes.create_string_buffer(b"".join(program))
    filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0)):
        if libc.prctl(*(ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments)) != 0:
            sys.exit(f"prctl{arguments}: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[border + 1], sys.argv[border + 1:])


main()
