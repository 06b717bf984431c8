internal import Bytes
internal import COpenSSL

/// The keys of session tickets at one moment: tickets are sealed with the current one, and opened with all
/// three. Immutable, so that any number of workers share it; wiped when the last reference goes.
///
/// `next` is there so that a group of gateways can all open what the first to rotate seals.
@safe
package final class TicketKeys: Sendable {
    /// Bytes of one key: its name (16), AES-256 key (32), HMAC-SHA256 key (32).
    internal static let size = 80
    /// Bytes of the three.
    package static let serializedSize = 3 * size

    /// next, current, previous.
    private let keys: KeyMaterial

    private init(_ keys: KeyMaterial) {
        self.keys = keys
    }

    /// Three fresh keys.
    package convenience init() throws(OpenSSLError) {
        self.init(try TicketKeys.random(count: TicketKeys.serializedSize))
    }

    /// Keys that another process serialised; nil when the length is wrong.
    package convenience init?(serialized: Span<UInt8>) {
        guard serialized.count == TicketKeys.serializedSize else { return nil }
        self.init(KeyMaterial(copying: serialized))
    }

    /// next, current and previous, for another process. To be kept as secret as a private key.
    package var serialized: KeyMaterial { keys }

    /// The keys after a rotation: next becomes current, current becomes previous, and a fresh one is next.
    package func rotated() throws(OpenSSLError) -> TicketKeys {
        let fresh = try TicketKeys.random(count: TicketKeys.size)
        let held = keys
        let joined = KeyMaterial(joining: fresh.bytes, held.bytes.extracting(0..<(2 * TicketKeys.size)))
        return TicketKeys(joined)
    }

    private static func random(count: Int) throws(OpenSSLError) -> KeyMaterial {
        guard let bytes = KeyMaterial(randomCount: count) else { throw .drained("draw random bytes") }
        return bytes
    }

    internal static let current = 1

    /// Where the bytes of one key are in `serialized`.
    internal static func range(_ index: Int) -> Range<Int> {
        (index * size)..<((index + 1) * size)
    }

    /// Which key has this name: 0 next, 1 current, 2 previous.
    internal func index(named name: Span<UInt8>) -> Int? {
        let held = keys
        let bytes = held.bytes
        for index in 0..<3 where bytes.extracting(TicketKeys.range(index).prefix(16)).equals(name) { return index }
        return nil
    }
}
