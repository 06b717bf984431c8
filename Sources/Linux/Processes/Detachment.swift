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

    /// Standard input, output and error lead nowhere from now on.
    package static func leaveTerminal() throws(SystemError) {
        let raw = retrying { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) }
        guard raw >= 0 else { throw .last("open(/dev/null)") }
        let null = FileDescriptor(owning: raw)
        for number in Int32(0)...2 where dup2(null.raw, number) < 0 { throw .last("dup2") }
    }
}
