import Linux

/// How many connections each address has open on this worker.
///
/// An IPv6 client is its /64: that is what one subscriber is given. With several workers the bound
/// that an operator sets is divided among them.
internal final class AddressCounts {
    private var counts: [Key: Int] = [:]

    private struct Key: Hashable {
        let high: UInt64
        let low: UInt64
    }

    private static func key(_ address: SocketAddress) -> Key {
        address.isIPv6 ? Key(high: address.high, low: 1) : Key(high: 0, low: address.low << 1)
    }

    /// Counts one more connection, unless the address has `limit` already.
    func add(_ address: SocketAddress, limit: Int) -> Bool {
        let key = Self.key(address)
        let open = counts[key, default: 0]
        if open >= limit { return false }
        counts[key] = open + 1
        return true
    }

    func remove(_ address: SocketAddress) {
        let key = Self.key(address)
        guard let open = counts[key] else { return }
        counts[key] = open > 1 ? open - 1 : nil
    }
}
