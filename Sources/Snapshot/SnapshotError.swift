/// Why a value could not be encoded, or bytes are no encoding of the value expected.
package enum SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes were written by another version of the format.
    case version(found: UInt8, expected: UInt8)
    /// The bytes end before the value does.
    case truncated
    /// Bytes follow after the value.
    case trailing(count: Int)
    /// More bytes than the limit allows.
    case oversized(limit: Int)
    /// Values within values, deeper than the limit.
    case tooDeep
    /// A byte pattern that stands for nothing.
    case invalid(String)
    /// The type needs what the format has no place for, such as a superclass or an unordered key.
    case unsupported(String)

    package var description: String {
        switch self {
        case .version(let found, let expected): "snapshot of format \(found), expected \(expected)"
        case .truncated: "snapshot is cut short"
        case .trailing(let count): "snapshot is followed by \(count) bytes that belong to nothing"
        case .oversized(let limit): "snapshot is larger than \(limit) bytes"
        case .tooDeep: "snapshot is nested deeper than \(SnapshotCodec.deepest) levels"
        case .invalid(let what): "snapshot is damaged: \(what)"
        case .unsupported(let what): "snapshot cannot hold \(what)"
        }
    }
}
