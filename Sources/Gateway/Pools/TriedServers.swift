/// The servers that have failed one request, which is not given to them again.
///
/// As many as a request may have tries, whatever the size of the pool; held in place, so that nothing is allocated.
package struct TriedServers {
    /// The most tries that a site file may ask for.
    package static let most = 16

    private var servers = InlineArray<16, UInt16>(repeating: 0)
    private var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// - Parameter server: its index in the pool.
    package func contains(_ server: Int) -> Bool {
        for place in 0..<count where servers[place] == UInt16(truncatingIfNeeded: server) { return true }
        return false
    }

    /// Adds a server. Beyond `most` nothing is added: a request has no tries left by then.
    package mutating func insert(_ server: Int) {
        guard count < Self.most else { return }
        servers[count] = UInt16(truncatingIfNeeded: server)
        count += 1
    }

    package mutating func removeAll() { count = 0 }
}
