package import Bytes
package import Linux

/// A file of lines that is only appended to, and what could not be.
///
/// A line that was cut because the disk filled up gets its end before the next one, so that one line
/// is broken and none after it.
///
/// A class and no structure without copies: a release build of Swift 6.3.1 left such a one open when the log went on in
/// another file, one descriptor for each reload.
package final class LogFile {
    private let file: FileDescriptor
    private var isMidLine = false
    /// Bytes handed to the kernel at once: it may not let anything else run on the core before a write is through.
    private static let piece = 65536

    package init(_ file: consuming FileDescriptor) {
        self.file = file
    }

    /// Writes all of `lines`, as far as the file takes them, and empties it.
    ///
    /// - Parameter lines: whole lines.
    /// - Returns: lines that are lost, a cut one included.
    package func write(_ lines: ByteBuffer) -> UInt64 {
        defer { lines.clear() }
        if lines.isEmpty { return 0 }
        let end: [UInt8] = [UInt8(ascii: "\n")]
        if isMidLine && FileWriting.append(end.span, to: file.raw) == nil { return Self.lineEnds(in: lines) }
        isMidLine = false
        while !lines.isEmpty {
            let next = lines.span(Slice(offset: 0, length: min(lines.count, Self.piece)))
            guard let count = FileWriting.append(next, to: file.raw) else { break }
            isMidLine = lines[count - 1] != UInt8(ascii: "\n")
            lines.consume(count)
        }
        return Self.lineEnds(in: lines)
    }

    private static func lineEnds(in lines: ByteBuffer) -> UInt64 {
        var count: UInt64 = 0
        for index in 0..<lines.count where lines[index] == UInt8(ascii: "\n") { count += 1 }
        return count
    }
}
