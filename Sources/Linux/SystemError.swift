import Glibc

/// A system call that failed: which, and with what errno.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call as its manual page names it.
    package let call: String
    package let code: Int32

    package init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    /// The calling thread's errno, read right after `call` failed.
    package static func last(_ call: String) -> SystemError {
        SystemError(call, errno)
    }

    /// What the C library says of the code, such as "Permission denied".
    package var reason: String {
        // Sound: strerror's text is valid until the next call in this thread and copied at once.
        unsafe String(cString: strerror(code))
    }

    /// Whether this machine lacked something for the call, whomever it was meant for: descriptors, memory, or ports of its
    /// own (connect(2)).
    package var isShortage: Bool { [EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL].contains(code) }

    package var description: String { "\(call): \(reason)" }
}
