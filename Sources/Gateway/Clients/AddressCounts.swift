import Linux
import Synchronization

/// How many connections are open in all and from each address, over all workers.
///
/// An IPv6 client is its /64: that is what one subscriber is given. The lock is taken once for a
/// connection that opens or closes, and never for a request.
package final class AddressCounts: Sendable {
    private struct Counts {
        var total = 0
        var byAddress: [Key: Int] = [:]
    }

    private let counts = Mutex(Counts())

    private struct Key: Hashable {
        let high: UInt64
        let low: UInt64
    }

    package init() {}

    /// What became of a connection that came.
    internal enum Verdict {
        case counted
        /// There are as many in all, or of this address, as may be.
        case tooMany, tooManyOfAddress
    }

    private static func key(_ address: SocketAddress) -> Key {
        address.isIPv6 ? Key(high: address.high, low: 1) : Key(high: 0, low: address.low << 1)
    }

    /// One number for what counts as one client.
    internal static func number(of address: SocketAddress) -> UInt64 {
        let key = key(address)
        return key.high ^ key.low
    }

    /// Counts one more connection, unless there are as many as allowed already.
    ///
    /// - Parameters:
    ///   - limit: connections in all; 0 for no bound.
    ///   - limitPerAddress: connections of this address; 0 for no bound.
    internal func add(_ address: SocketAddress, limit: Int, limitPerAddress: Int) -> Verdict {
        let key = Self.key(address)
        return counts.withLock { counts in
            if limit > 0 && counts.total >= limit { return .tooMany }
            let open = counts.byAddress[key, default: 0]
            if limitPerAddress > 0 && open >= limitPerAddress { return .tooManyOfAddress }
            counts.total += 1
            counts.byAddress[key] = open + 1
            return .counted
        }
    }

    internal func remove(_ address: SocketAddress) {
        let key = Self.key(address)
        counts.withLock { counts in
            counts.total -= 1
            guard let open = counts.byAddress[key] else { return }
            counts.byAddress[key] = open > 1 ? open - 1 : nil
        }
    }
}
