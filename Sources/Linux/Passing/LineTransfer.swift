import CLinux
import Glibc

/// Lines of text over a non-blocking stream socket, for exchanges of one line each way.
package enum LineTransfer {
    /// Receives up to the first line break.
    ///
    /// - Parameters:
    ///   - limit: bytes; a longer line is given up.
    ///   - milliseconds: for the whole line; -1 waits without bound.
    /// - Returns: the line without its break; nil when it did not come whole, or is not UTF-8.
    package static func receive(_ fd: Int32, limit: Int, within milliseconds: Int32) -> String? {
        let end = deadline(milliseconds)
        var reader = LineReader(limit: limit)
        while wait(fd, POLLIN, until: end) {
            switch reader.read(fd) {
            case .line(let line): return line
            case .incomplete: continue
            case .ended: return nil
            }
        }
        return nil
    }

    /// Sends a line and its break; false when the peer did not take it in time.
    package static func send(_ line: String, to fd: Int32, within milliseconds: Int32) -> Bool {
        let end = deadline(milliseconds)
        let bytes = Array("\(line)\n".utf8)
        var sent = 0
        while sent < bytes.count {
            // Sound: the rest of the bytes is read, of which there are that many.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                retrying {
                    unsafe Glibc.send(
                        fd,
                        buffer.baseAddress?.advanced(by: sent),
                        buffer.count - sent,
                        Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
                    )
                }
            }
            if count < 0 {
                guard errno == EAGAIN, wait(fd, POLLOUT, until: end) else { return false }
                continue
            }
            sent += count
        }
        return true
    }

    private static func deadline(_ milliseconds: Int32) -> UInt64? {
        milliseconds < 0 ? nil : Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000
    }

    private static func wait(_ fd: Int32, _ events: Int32, until deadline: UInt64?) -> Bool {
        var milliseconds: Int32 = -1
        if let deadline {
            let now = Clock.monotonicNanoseconds
            guard now < deadline else { return false }
            milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
        }
        var poll = pollfd(fd: fd, events: Int16(events), revents: 0)
        return retrying { unsafe Glibc.poll(&poll, 1, milliseconds) } > 0
    }
}

/// A line that comes in pieces over a stream socket, up to the first line break.
package struct LineReader {
    package enum Outcome: Equatable {
        /// Without its break.
        case line(String)
        /// More of it is to come.
        case incomplete
        /// It does not come whole, is too long, or is not UTF-8.
        case ended
    }

    private let limit: Int
    private var line: [UInt8] = []

    /// - Parameter limit: bytes of the line.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes once what is there, without waiting.
    package mutating func read(_ fd: Int32) -> Outcome {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = retrying { unsafe recv(fd, &room, room.count, Int32(MSG_DONTWAIT)) }
        if count < 0 && errno == EAGAIN { return .incomplete }
        guard count > 0 else { return .ended }
        let stop = room[..<count].firstIndex(of: UInt8(ascii: "\n"))
        line += room[..<(stop ?? count)]
        guard line.count <= limit else { return .ended }
        if stop == nil { return .incomplete }
        return String(validating: line, as: UTF8.self).map { .line($0) } ?? .ended
    }
}
