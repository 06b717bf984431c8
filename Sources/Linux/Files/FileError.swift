import Glibc

/// What is wrong with a file, and what to do about it.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Problem: Equatable, Sendable {
        case system(SystemError)
        case tooLarge(limit: Int)
        case notRegular
        /// A symbolic link is in the place of what it leads to.
        case link
        /// One that somebody else made, or could.
        case foreignLink
        case foreignOwner(UInt32)
        /// Others may do what they must not; the mode it has, and the bits that are too many.
        case tooOpen(mode: UInt32, excess: UInt32)
    }

    package let path: String
    package let problem: Problem

    package init(path: String, problem: Problem) {
        self.path = path
        self.problem = problem
    }

    /// There is no such file, or no folder that it could be in.
    package var isNoSuchFile: Bool {
        if case .system(let error) = problem { error.code == ENOENT } else { false }
    }

    /// There is a symbolic link where none is followed.
    package var isLink: Bool { if case .link = problem { true } else { false } }

    /// Another process holds the lock.
    package var isHeldByAnother: Bool {
        if case .system(let error) = problem { error.code == EWOULDBLOCK } else { false }
    }

    /// This user may not do that, or nobody may on a file system that is read-only.
    package var isDenied: Bool {
        if case .system(let error) = problem { [EACCES, EPERM, EROFS].contains(error.code) } else { false }
    }

    /// Its file system is mounted read-only.
    package var isReadOnly: Bool {
        if case .system(let error) = problem { error.code == EROFS } else { false }
    }

    package var description: String { "\(fault)\(advice)" }

    /// What is wrong, without what to do about it where that depends on who asks.
    package var fault: String {
        switch problem {
        case .system(let error): "\(path): \(error.reason)"
        case .tooLarge(let limit): "\(path): larger than \(limit) bytes"
        case .notRegular: "\(path): not a regular file"
        case .link:
            "\(path): a symbolic link, which is not followed here: put what it leads to in its place, or remove it "
                + "(`rm \(path)`)"
        case .foreignLink:
            "\(path): a symbolic link of somebody else, or in a folder where everybody may make one, which is not followed"
        case .foreignOwner(let user):
            "\(path): belongs to user \(user); it must belong to root or to the user who runs gatehouse: be that user "
                + "(`sudo -u '#\(user)' gatehouse …`), or change its owner (`chown`)"
        case .tooOpen(let mode, let excess):
            "\(path): mode \(String(mode, radix: 8)) lets others in; run `chmod \(String(mode & ~excess, radix: 8)) \(path)`"
        }
    }

    private var advice: String {
        if isNoSuchFile { return "; put it there, or correct the path" }
        if case .system(let error) = problem, [EACCES, EPERM].contains(error.code) {
            return "; let user \(geteuid()) have it (`chown`, `chmod`), or run gatehouse as another user"
        }
        if case .system(let error) = problem, [ENOSPC, EDQUOT].contains(error.code) {
            return "; make room on its file system"
        }
        return ""
    }
}
