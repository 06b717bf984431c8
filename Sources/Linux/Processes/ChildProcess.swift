import CLinux
import Glibc

/// How a process ended.
package enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
    /// It ended itself, with this status.
    case exited(Int32)
    /// A signal ended it.
    case killed(signal: Int32)

    package var description: String {
        switch self {
        case .exited(let status): "ended with status \(status)"
        case .killed(let signal):
            // Sound: strsignal's text is copied before another call in this thread.
            "was killed by signal \(signal) (\(unsafe strsignal(signal).map { unsafe String(cString: $0) } ?? "?"))"
        }
    }
}

/// A child of this process, watched through a pidfd: its number is never mistaken for another process.
package struct ChildProcess: ~Copyable, Sendable {
    package let identifier: Int32
    private let descriptor: FileDescriptor

    /// Readable, to poll and epoll, once the process has ended.
    package var raw: Int32 { descriptor.raw }

    /// Takes over a child that was started before, as after an upgrade of this program.
    package init(identifier: Int32) throws(SystemError) {
        let raw = systemCall(SYS_pidfd_open, Int(identifier))
        guard raw >= 0 else { throw .last("pidfd_open") }
        descriptor = FileDescriptor(owning: Int32(raw))
        self.identifier = identifier
    }

    /// Sends a signal; a process that has ended takes none and this is no error.
    package func signal(_ number: Int32) {
        _ = systemCall(SYS_pidfd_send_signal, Int(descriptor.raw), Int(number))
    }

    /// Sends a signal to the child's process group, which it leads (`ProcessStart.ownGroup`). Before it is reaped only:
    /// afterwards its number may be another's.
    package func signalGroup(_ number: Int32) { _ = kill(-identifier, number) }

    /// Asks a process that somebody else started, and its group, which it leads, to end, and kills them a second later. Does
    /// nothing where the process of that number is another by now.
    ///
    /// - Parameter beginning: as `ProcessAncestry.beginning` gave it.
    package static func endGroup(of identifier: Int32, begun beginning: UInt64) {
        guard identifier > 1 else { return }
        do throws(SystemError) {
            let process = try ChildProcess(identifier: identifier)
            // Looked at after it was opened: had it ended before, its number would be of nobody, or of one that began later.
            guard ProcessAncestry.beginning(of: identifier) == beginning, !process.hasEnded else { return }
            process.signalGroup(SIGTERM)
            _ = Readiness.wait([process.raw], milliseconds: 1_000)
            if !process.hasEnded { process.signalGroup(SIGKILL) }
        } catch {
            // It has ended.
        }
    }

    /// How the child ended; nil while it runs, or when another has asked before or it is no child of ours.
    package func reap() -> ProcessEnd? {
        wait(flags: WEXITED | WNOHANG)
    }

    /// Whether the process has ended, child or not.
    package var hasEnded: Bool {
        var poll = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return retrying { unsafe Glibc.poll(&poll, 1, 0) } > 0
    }

    /// Waits for the end of the child, at most `milliseconds`; nil when it still runs.
    package func wait(milliseconds: Int32) -> ProcessEnd? {
        var poll = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        _ = retrying { unsafe Glibc.poll(&poll, 1, milliseconds) }
        return reap()
    }

    private func wait(flags: Int32) -> ProcessEnd? {
        var information = unsafe siginfo_t()
        // By number: the kernel's waitid knows P_PIDFD (3), and a null usage is passed.
        let code = unsafe withUnsafeMutablePointer(to: &information) { pointer in
            retrying { systemCall(SYS_waitid, 3, Int(descriptor.raw), Int(bitPattern: pointer), Int(flags)) }
        }
        guard code == 0 else { return nil }
        // Sound: the fields that waitid(2) fills, by their fixed places: si_pid 16, si_status 24.
        let (process, status) = unsafe withUnsafeBytes(of: &information) { bytes in
            (
                unsafe bytes.load(fromByteOffset: 16, as: Int32.self),
                unsafe bytes.load(fromByteOffset: 24, as: Int32.self)
            )
        }
        guard process != 0 else { return nil }
        return unsafe information.si_code == Int32(CLD_EXITED) ? .exited(status) : .killed(signal: status)
    }
}
