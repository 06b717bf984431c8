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
    /// Whether it is a pipe, or something else that takes bytes as somebody reads them.
    private let mayWait: Bool
    /// Bytes handed to the kernel at once: it may not let anything else run on the core before a write is through.
    private static let piece = 65536
    /// Milliseconds for which a reader is waited for before it is asked whether to go on.
    private static let patience: Int32 = 100

    package init(_ file: consuming FileDescriptor) {
        mayWait = !FileWriting.neverWaits(file.raw)
        self.file = file
    }

    /// Writes all of `lines`, as far as the file takes them, and empties it.
    ///
    /// - Parameters:
    ///   - lines: whole lines.
    ///   - patiently: asked again and again while the reader of a pipe does not read: false gives up.
    /// - Returns: lines that are lost, a cut one included.
    package func write(_ lines: ByteBuffer, patiently: () -> Bool = { false }) -> UInt64 {
        defer { lines.clear() }
        if lines.isEmpty { return 0 }
        let end: [UInt8] = [UInt8(ascii: "\n")]
        if isMidLine, !hasRoom(patiently) || FileWriting.append(end.span, to: file.raw) == nil {
            return Self.lineEnds(in: lines)
        }
        isMidLine = false
        let piece = mayWait ? FileWriting.pieceOfPipe : Self.piece
        while !lines.isEmpty {
            guard hasRoom(patiently) else { break }
            let next = lines.span(Slice(offset: 0, length: min(lines.count, piece)))
            guard let count = FileWriting.append(next, to: file.raw) else { break }
            isMidLine = lines[count - 1] != UInt8(ascii: "\n")
            lines.consume(count)
        }
        return Self.lineEnds(in: lines)
    }

    /// Whether the next piece can be written without waiting for a reader any longer.
    private func hasRoom(_ patiently: () -> Bool) -> Bool {
        if !mayWait { return true }
        while !FileWriting.awaitRoom(file.raw, milliseconds: Self.patience) {
            if !patiently() { return false }
        }
        return true
    }

    private static func lineEnds(in lines: ByteBuffer) -> UInt64 {
        var count: UInt64 = 0
        for index in 0..<lines.count where lines[index] == UInt8(ascii: "\n") { count += 1 }
        return count
    }
}
