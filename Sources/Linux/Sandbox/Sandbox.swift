import CLinux
import Glibc

/// What keeps the data plane and the outbound helper in: no privileges, no files, few system calls.
package enum Sandbox {
    /// How the sandbox stands, to be told at start.
    package struct Report: Codable, Equatable, Sendable {
        /// The user id that the process runs as.
        package var user: UInt32
        /// The kernel's version of Landlock; 0 for none.
        package var landlockVersion: Int
        package var hasSystemCallFilter: Bool
        /// What is missing, each a sentence with what to do about it; empty when the sandbox is whole.
        package var lacks: [String]

        package init(user: UInt32, landlockVersion: Int, hasSystemCallFilter: Bool, lacks: [String]) {
            self.user = user
            self.landlockVersion = landlockVersion
            self.hasSystemCallFilter = hasSystemCallFilter
            self.lacks = lacks
        }

        /// What holds, in words: `user 998, Landlock 7, system call filter on`.
        package var standing: String {
            "user \(user), Landlock \(landlockVersion > 0 ? "\(landlockVersion)" : "off"), "
                + "system call filter \(hasSystemCallFilter ? "on" : "off")"
        }
    }

    /// Enters the sandbox; there is no way back.
    ///
    /// Call it on the only thread: Landlock and capabilities hold for the calling thread and those it
    /// starts later. Only `lacks` tells what the kernel could not give; what failed for another reason is thrown.
    /// - Parameter user: whom to become; nil, or when not root, stays who it is.
    package static func enter(as user: UserAccount?, filter: SystemCallFilter) throws(SystemError) -> Report {
        var lacks: [String] = []
        Privileges.dropBoundingSet()
        if Privileges.isRoot {
            if let user {
                try Privileges.become(user)
            } else {
                lacks.append("It runs as root: make a system user named gatehouse for it.")
            }
        }
        try Privileges.forbidNew()
        try Privileges.dropCapabilities()
        ProcessDumps.forbid()

        let version = Landlock.version
        do {
            try Landlock.denyFiles()
            let others = threadCount - 1
            if others > 0 { lacks.append("Landlock does not hold \(others) threads that were started before it.") }
        } catch {
            guard [ENOSYS, EOPNOTSUPP].contains(error.code) else { throw error }
            lacks.append(
                "This kernel has no Landlock (\(error)): the system call filter alone keeps it from files."
                    + " Use Linux 5.13 or newer with landlock among the kernel's lsm= modules."
            )
        }
        var filtered = true
        do {
            try filter.install()
        } catch {
            guard [ENOSYS, EINVAL].contains(error.code) else { throw error }
            filtered = false
            lacks.append("This kernel has no seccomp filters (\(error)): build it with CONFIG_SECCOMP_FILTER.")
        }
        return Report(user: getuid(), landlockVersion: version, hasSystemCallFilter: filtered, lacks: lacks)
    }

    /// Threads of this process; 1 when the kernel does not tell.
    private static var threadCount: Int {
        // By the link count of the directory: each thread is a directory in it. Metadata is not Landlock's.
        var status = stat()
        guard unsafe stat("/proc/self/task", &status) == 0 else { return 1 }
        return max(1, Int(status.st_nlink) - 2)
    }
}
