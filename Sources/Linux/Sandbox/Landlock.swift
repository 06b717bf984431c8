import CLinux
import Glibc

/// Landlock: a process gives up the file system for ever (landlock(7)).
package enum Landlock {
    /// The kernel's version of the interface; 0 when it has none.
    package static var version: Int {
        // LANDLOCK_CREATE_RULESET_VERSION
        max(0, systemCall(SYS_landlock_create_ruleset, 0, 0, 1))
    }

    /// Denies the calling thread, and every thread it starts, all that this kernel's Landlock can deny of
    /// files; from version 6 on also abstract Unix sockets and signals to processes outside.
    ///
    /// TCP stays free: the data plane connects wherever its plan says. Descriptors that are open stay usable.
    /// - Throws: ENOSYS or EOPNOTSUPP when the kernel has no Landlock.
    package static func denyFiles() throws(SystemError) {
        let version = Self.version
        guard version > 0 else { throw .last("landlock_create_ruleset") }
        // LANDLOCK_ACCESS_FS_*: 13 rights at first, REFER from 2, TRUNCATE from 3, IOCTL_DEV from 5.
        let rights = 13 + (version >= 2 ? 1 : 0) + (version >= 3 ? 1 : 0) + (version >= 5 ? 1 : 0)
        // struct landlock_ruleset_attr: handled_access_fs, handled_access_net (4), scoped (6).
        var attributes: [UInt64] = [(1 << UInt64(rights)) - 1, 0, version >= 6 ? 3 : 0]
        let size = version >= 6 ? 24 : version >= 4 ? 16 : 8
        // Sound: the kernel copies `size` bytes, of the 24 that there are.
        let raw = unsafe attributes.withUnsafeMutableBytes { bytes in
            systemCall(SYS_landlock_create_ruleset, Int(bitPattern: bytes.baseAddress), size)
        }
        guard raw >= 0 else { throw .last("landlock_create_ruleset") }
        let ruleset = FileDescriptor(owning: Int32(raw))
        guard systemCall(SYS_landlock_restrict_self, Int(ruleset.raw)) == 0 else {
            throw .last("landlock_restrict_self")
        }
    }
}
