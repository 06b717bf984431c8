import CLinux
import Glibc

/// A control group that processes of one kind have for their own (cgroups(7), version 2): a service manager that ends a
/// session ends all that is in the session's group.
package struct ControlGroup: Sendable {
    private let root: String
    private let name: String

    private static let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
    /// Another process of the kind may leave, and take the group away, between its making and the joining.
    private static let mostTries = 10

    /// Moves this process into the group, which is made where there is none.
    ///
    /// - Returns: nil where there is no such hierarchy, or this user may not change it.
    package static func join(_ name: String) -> ControlGroup? {
        for root in roots where FileWriting.exists("\(root)/cgroup.procs") {
            let group = ControlGroup(root: root, name: name)
            for _ in 0..<mostTries {
                guard unsafe mkdir(group.folder, 0o755) == 0 || errno == EEXIST else { break }
                if enter(group.folder) { return group }
                guard !FileWriting.exists(group.folder) else { break }
            }
        }
        return nil
    }

    /// Moves this process to the root of the hierarchy, and removes the group unless others are in it, such as children
    /// of this process. Where either may not be, the empty group stays, and does no harm.
    package func leave() {
        guard Self.enter(root) else { return }
        _ = unsafe rmdir(folder)
    }

    private var folder: String { "\(root)/\(name)" }

    private static func enter(_ folder: String) -> Bool {
        let raw = retrying { unsafe open("\(folder)/cgroup.procs", O_WRONLY | O_CLOEXEC) }
        guard raw >= 0 else { return false }
        let file = FileDescriptor(owning: raw)
        return (try? FileWriting.writeAll(Array("\(getpid())".utf8).span, to: file.raw)) != nil
    }
}
