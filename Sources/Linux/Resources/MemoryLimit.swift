import CLinux
import Glibc

/// How much address space this process may have (setrlimit(2)).
package enum MemoryLimit {
    /// From now on an allocation beyond `bytes` in all fails, in this process and in what it starts.
    package static func set(bytes: UInt64) {
        var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: rlim_t(bytes))
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    }
}
