import Linux

/// A store's history as a gateway knows it. Histories grow: one that begins as this one, holds, and does not go on from where it
/// ended is that of an older store, as a backup has it.
internal struct KnownHistory: Sendable {
    /// Its first line, as others begin with another.
    private let first: [UInt8]
    /// Its bytes, and the last of them, with the hash by which the last line is bound to all before it.
    private let count: Int
    private let tail: [UInt8]
    /// Its file.
    private let stamp: FileStamp
    /// The last other file that was in its place, and whether that is an older store's.
    private var other: (stamp: FileStamp, isOlder: Bool)?

    private static let mostTail = 100

    /// - Parameter audit: holds.
    /// - Returns: nil where there is nothing to know of it.
    init?(_ audit: AuditLog) {
        guard let stamp = FileStamp(audit.path), let bytes = try? audit.contents(), bytes.last == 0x0A else {
            return nil
        }
        self.stamp = stamp
        first = Self.first(of: bytes)
        count = bytes.count
        tail = Array(bytes.suffix(Self.mostTail))
    }

    private static func first(of bytes: [UInt8]) -> [UInt8] { Array(bytes.prefix { $0 != 0x0A }) }

    /// Whether nobody has written to it since.
    func isCurrent(_ audit: AuditLog) -> Bool { FileStamp(audit.path) == stamp }

    /// Whether what is there now is that of an older store. What is gone, or does not hold, is told of as that.
    mutating func isNewer(than audit: AuditLog) -> Bool {
        guard let now = FileStamp(audit.path), now != stamp else { return false }
        if let other, other.stamp == now { return other.isOlder }
        guard let bytes = try? audit.contents() else { return false }
        let goesOn = bytes.count >= count && bytes[..<count].suffix(Self.mostTail).elementsEqual(tail)
        let isOlder = !goesOn && Self.first(of: bytes) == first && AuditLog.lastLink(of: bytes) != nil
        other = (now, isOlder)
        return isOlder
    }
}
