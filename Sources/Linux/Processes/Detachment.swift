import CLinux
import Glibc

/// Leaving what would end this process together with others.
package enum Detachment {
    /// Leads a session of its own (setsid(2)): no terminal's end reaches this process any more.
    ///
    /// - Throws: EPERM when the process leads a group already.
    package static func leadSession() throws(SystemError) {
        guard setsid() >= 0 else { throw .last("setsid") }
    }

    /// Moves this process into a control group of its own (cgroups(7), version 2), since a service manager that ends
    /// a session ends all that is in the session's group.
    ///
    /// - Returns: false where there is no such hierarchy, or this user may not change it.
    package static func joinControlGroup(_ name: String) -> Bool {
        for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            guard FileWriting.exists("\(root)/cgroup.procs") else { continue }
            let folder = "\(root)/\(name)"
            _ = unsafe mkdir(folder, 0o755)
            let raw = retrying { unsafe open("\(folder)/cgroup.procs", O_WRONLY | O_CLOEXEC) }
            guard raw >= 0 else { continue }
            let file = FileDescriptor(owning: raw)
            if (try? FileWriting.writeAll(Array("\(getpid())".utf8).span, to: file.raw)) != nil { return true }
        }
        return false
    }

    /// Standard input, output and error lead nowhere from now on.
    package static func leaveTerminal() throws(SystemError) {
        let raw = retrying { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) }
        guard raw >= 0 else { throw .last("open(/dev/null)") }
        let null = FileDescriptor(owning: raw)
        for number in Int32(0)...2 where dup2(null.raw, number) < 0 { throw .last("dup2") }
    }
}
