import CLinux
import Glibc

/// Giving up privileges, for ever.
package enum Privileges {
    /// No program started from here gains anything by set-user-id or file capabilities (PR_SET_NO_NEW_PRIVS).
    package static func forbidNew() throws(SystemError) {
        guard processControl(PR_SET_NO_NEW_PRIVS, 1) == 0 else { throw .last("prctl(PR_SET_NO_NEW_PRIVS)") }
    }

    /// Becomes `user`, with its main group and no other, in all threads.
    ///
    /// - Throws: EPERM when this process may not, or could have gone back.
    package static func become(_ user: UserAccount) throws(SystemError) {
        guard setgroups(0, nil) == 0 else { throw .last("setgroups") }
        guard setresgid(user.group, user.group, user.group) == 0 else { throw .last("setresgid") }
        guard setresuid(user.identifier, user.identifier, user.identifier) == 0 else { throw .last("setresuid") }
        if user.identifier != 0, setresuid(0, 0, 0) == 0 {
            throw SystemError("setresuid: privileges could be taken back", EPERM)
        }
    }

    /// Empties the bounding set, so that no program started from here gains a capability. That needs CAP_SETPCAP, so
    /// it comes before `become`; the set is left as it is when that is missing.
    package static func dropBoundingSet() {
        var capability = 0
        while capability < 64, processControl(PR_CAPBSET_DROP, capability) == 0 { capability += 1 }
    }

    /// Drops every capability that the calling thread has: ambient, inheritable, permitted, effective
    /// (capabilities(7)).
    package static func dropCapabilities() throws(SystemError) {
        // PR_CAP_AMBIENT_CLEAR_ALL; a kernel older than 4.3 has no ambient set.
        _ = processControl(47, 4)
        // _LINUX_CAPABILITY_VERSION_3, this thread; then three words for each of two halves, all zero.
        var header: [UInt32] = [0x2008_0522, 0]
        var sets = [UInt32](repeating: 0, count: 6)
        let code = unsafe header.withUnsafeMutableBytes { header in
            unsafe sets.withUnsafeMutableBytes { sets in
                systemCall(SYS_capset, Int(bitPattern: header.baseAddress), Int(bitPattern: sets.baseAddress))
            }
        }
        guard code == 0 else { throw .last("capset") }
    }

    /// Whether this process runs as root.
    package static var isRoot: Bool { geteuid() == 0 }
}
