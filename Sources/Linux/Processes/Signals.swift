import CLinux
import Glibc

/// Signals taken as readable events (signalfd(2)), so that no code runs in a handler.
package struct Signals: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    package var raw: Int32 { descriptor.raw }

    /// Blocks `numbers` in the calling thread and in every thread it starts from now on, and takes them here.
    ///
    /// Call it on the main thread before any other thread exists. SIGPIPE is ignored from then on: a
    /// write to a closed peer is an error value.
    package init(_ numbers: [Int32]) throws(SystemError) {
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        let code = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError("pthread_sigmask", code) }
        let raw = unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK) | Int32(SFD_CLOEXEC))
        guard raw >= 0 else { throw .last("signalfd") }
        descriptor = FileDescriptor(owning: raw)
    }

    /// Waits for a signal; nil when the wait was interrupted.
    package func wait() -> Int32? {
        var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, -1)
        return next()
    }

    /// The next signal that came; nil when there is none.
    package func next() -> Int32? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let count = retrying { unsafe read(descriptor.raw, &information, size) }
        return count == size ? Int32(information.ssi_signo) : nil
    }
}

/// What happens to this process when its parent ends.
package enum ParentDeath {
    /// Sends `signal` to this process when the thread that started it ends (PR_SET_PDEATHSIG).
    ///
    /// - Returns: false when the parent is not `parent` any more: it ended before the call, and no
    ///   signal will come.
    package static func deliver(signal: Int32, parent: Int32) -> Bool {
        processControl(PR_SET_PDEATHSIG, Int(signal)) == 0 && getppid() == parent
    }
}
