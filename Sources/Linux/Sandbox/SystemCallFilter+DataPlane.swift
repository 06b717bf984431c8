import CLinux
import Glibc

extension SystemCallFilter {
    /// What the data plane may do: take connections, open TCP connections, move bytes, tell the time,
    /// hold memory, run threads. It opens no file, starts no program, binds no port, and makes no memory executable.
    package static func dataPlane() -> SystemCallFilter {
        var filter = confined(sockets: [UInt32(SOCK_STREAM.rawValue)])
        filter.allow([
            SYS_readv, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_epoll_ctl, SYS_epoll_create1, SYS_eventfd2,
            SYS_accept4, SYS_splice, SYS_pipe2, SYS_pread64, SYS_lseek,
            SYS_sched_getaffinity, SYS_sched_setaffinity,
        ])
        #if arch(x86_64)
            filter.allow([SYS_epoll_wait])
        #endif
        return filter
    }

    /// What the outbound helper may do: ask over UDP and TCP, move bytes, tell the time, hold memory. It takes no
    /// connection; else it is held as the data plane is.
    package static func outbound() -> SystemCallFilter {
        confined(sockets: [UInt32(SOCK_STREAM.rawValue), UInt32(SOCK_DGRAM.rawValue)])
    }

    /// What both need, and what both must never do.
    ///
    /// - Parameter sockets: the types of IPv4 and IPv6 sockets that may be made.
    private static func confined(sockets: [UInt32]) -> SystemCallFilter {
        var filter = SystemCallFilter()
        // In the order of their frequency: the kernel remembers calls that are allowed without conditions.
        filter.allow([
            SYS_recvfrom, SYS_sendto, SYS_read, SYS_write, SYS_writev, SYS_recvmsg, SYS_sendmsg, SYS_ppoll,
            SYS_connect, SYS_shutdown, SYS_close, SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername,
            SYS_futex, SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom,
            SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_mlock, SYS_munlock,
            SYS_sched_yield, SYS_getcpu, SYS_membarrier,
            SYS_set_robust_list, SYS_rseq, SYS_set_tid_address, SYS_restart_syscall,
            SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
            SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getrusage,
            SYS_exit, SYS_exit_group,
        ])
        #if arch(x86_64)
            filter.allow([SYS_poll, SYS_time])
        #endif

        let executable = UInt32(PROT_EXEC)
        filter.allow(SYS_mmap, where: [Condition(argument: 2, mask: executable, isOneOf: [0])])
        filter.allow(SYS_mprotect, where: [Condition(argument: 2, mask: executable, isOneOf: [0])])
        // The low four bits of the type are the type, the others SOCK_NONBLOCK and SOCK_CLOEXEC.
        filter.allow(
            SYS_socket,
            where: [
                Condition(argument: 0, isOneOf: [UInt32(AF_INET), UInt32(AF_INET6)]),
                Condition(argument: 1, mask: 0xF, isOneOf: sockets),
            ]
        )
        // 1034 is F_GET_SEALS.
        let fcntlCommands = [F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, 1034]
        filter.allow(SYS_fcntl, where: [Condition(argument: 1, isOneOf: fcntlCommands.map { UInt32($0) })])
        // FIONREAD, SIOCOUTQ, FIONBIO.
        filter.allow(SYS_ioctl, where: [Condition(argument: 1, isOneOf: [0x541B, 0x5411, 0x5421])])
        // PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK; PR_SET_VMA, by which malloc names its memory.
        filter.allow(SYS_prctl, where: [Condition(argument: 0, isOneOf: [15, 16, 29, 0x5356_4D41])])
        // getrlimit: own process, nothing set.
        filter.allow(
            SYS_prlimit64,
            where: [
                Condition(argument: 0, isOneOf: [0]), Condition(argument: 2, isOneOf: [0]),
                Condition(argument: 2, high: true, isOneOf: [0]),
            ]
        )
        // Threads yes, processes no. clone3 hides its flags behind a pointer: libc falls back to clone.
        filter.allow(SYS_clone, where: [Condition(argument: 0, mask: 0x0001_0000, isOneOf: [0x0001_0000])])
        filter.refuse(SYS_clone3, with: ENOSYS)
        // abort(3), and glibc's signals to its own threads.
        filter.allow(SYS_tgkill, where: [Condition(argument: 0, isOneOf: [UInt32(getpid())])])

        filter.kill([
            SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf,
            SYS_init_module, SYS_finit_module, SYS_kexec_load, SYS_open_by_handle_at, SYS_mount, SYS_umount2,
            SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_userfaultfd, SYS_perf_event_open,
            SYS_io_uring_setup, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_reboot,
        ])
        #if arch(x86_64)
            filter.kill([SYS_fork, SYS_vfork])
        #endif
        return filter
    }
}
