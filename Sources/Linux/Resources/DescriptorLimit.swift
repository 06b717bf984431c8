import CLinux
import Glibc

/// How many descriptors this process may have open (RLIMIT_NOFILE).
package struct DescriptorLimit: Equatable, Sendable {
    /// The limit in force.
    package let current: UInt64
    /// What this process was allowed to raise it to.
    package let ceiling: UInt64

    /// Raises the limit as far as it goes: to the hard limit.
    package static func raise() -> DescriptorLimit {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DescriptorLimit(current: 1024, ceiling: 1024)
        }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return DescriptorLimit(current: UInt64(limit.rlim_cur), ceiling: UInt64(limit.rlim_max))
    }
}

/// Memory images, which would hold keys.
package enum ProcessDumps {
    /// No core dumps, no backtraces, and no other process of the same user may look into this one (PR_SET_DUMPABLE).
    ///
    /// /proc/self belongs to root from then on, so that no user namespace can be set up any more; starting a program undoes
    /// that part.
    package static func forbid() {
        _ = processControl(PR_SET_DUMPABLE, 0)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        // Swift's runtime has a program print registers and memory for these, and goes on after SIGQUIT.
        for crash in [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV] {
            _ = signal(crash, SIG_DFL)
        }
    }
}
