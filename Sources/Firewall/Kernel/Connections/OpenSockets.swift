import Linux
import Site

/// The connections of TCP that sockets of this network hold, with who began them: what connection tracking would have known
/// had it looked from the start.
package enum OpenSockets {
    /// Those under way now; none where the kernel does not tell.
    ///
    /// - Parameter served: see `connections(_:serving:)`.
    static func connections(serving served: UInt16?) -> [TrackedConnection] { connections(tables(), serving: served) }

    private static func tables() -> [[UInt8]] {
        // About 150 bytes a socket.
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].compactMap { try? FileReading.readStream($0, limit: 512 << 20) }
    }

    /// Whether some program takes connections from elsewhere on a port; also where the kernel does not tell.
    package static func listen(on port: UInt16) -> Bool {
        let tables = tables()
        return tables.isEmpty || listen(on: port, among: tables)
    }

    /// - Parameter tables: as for `connections(_:serving:)`.
    package static func listen(on port: UInt16, among tables: [[UInt8]]) -> Bool {
        sockets(tables).contains { $0.state == Socket.listening && $0.port == port && !$0.address.isLoopback }
    }

    /// Whether a connection such as the administrator's is open; also where the kernel does not tell.
    package static func hold(_ access: AdministratorCheck.Access) -> Bool {
        let tables = tables()
        return tables.isEmpty || hold(access, among: connections(tables))
    }

    /// - Parameter connections: whoever began them.
    package static func hold(_ access: AdministratorCheck.Access, among connections: [TrackedConnection]) -> Bool {
        connections.contains { one in
            let isInward = one.source == access.source && one.detail == access.port
            let isOutward = one.destination == access.source && one.sourcePort == access.port
            let own = isInward ? one.destination : one.source
            return (isInward || isOutward) && (access.destination.map { $0 == own } ?? true)
        }
    }

    /// - Parameters:
    ///   - tables: as the kernel writes /proc/net/tcp and /proc/net/tcp6 (proc_pid_net(5)).
    ///   - served: a port of this machine that is known to have been connected to, though whoever listened there may be
    ///     gone, as when a server is started again on another port.
    /// - Returns: those on which data may still come. Who has a socket that listens on the port was connected to.
    package static func connections(_ tables: [[UInt8]], serving served: UInt16? = nil) -> [TrackedConnection] {
        let sockets = sockets(tables)
        var ports = Set(sockets.filter { $0.state == Socket.listening }.map(\.port))
        if let served { ports.insert(served) }
        return sockets.filter { Socket.open.contains($0.state) }.map { socket in
            let isServer = ports.contains(socket.port)
            return TrackedConnection(
                from: isServer ? socket.peer : socket.address,
                to: isServer ? socket.address : socket.peer,
                .tcp,
                sourcePort: isServer ? socket.peerPort : socket.port,
                detail: isServer ? socket.port : socket.peerPort
            )
        }
    }

    private static func sockets(_ tables: [[UInt8]]) -> [Socket] {
        tables.flatMap { $0.split(separator: UInt8(ascii: "\n")).compactMap { Socket($0) } }
    }

    /// A line of a table.
    private struct Socket {
        /// TCP_LISTEN, and of those with a peer TCP_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2 and _CLOSE_WAIT.
        static let listening: UInt32 = 10
        static let open: Set<UInt32> = [1, 4, 5, 8]

        let state: UInt32
        let address: IPAddress
        let port: UInt16
        let peer: IPAddress
        let peerPort: UInt16

        /// nil for the line of titles, and for one of another form.
        init?(_ line: ArraySlice<UInt8>) {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 4)
            guard words.count == 5, let own = Self.end(words[1]), let other = Self.end(words[2]),
                let state = Self.number(words[3])
            else { return nil }
            (address, port) = own
            (peer, peerPort) = other
            self.state = state
        }

        private static func end(_ word: ArraySlice<UInt8>) -> (IPAddress, UInt16)? {
            let parts = word.split(separator: UInt8(ascii: ":"))
            guard parts.count == 2, let port = number(parts[1]), port <= UInt16.max,
                let address = address(parts[0])
            else { return nil }
            return (address, UInt16(port))
        }

        /// Words of 32 bits, each of which the kernel holds in the network's order and writes as if it were its own.
        private static func address(_ word: ArraySlice<UInt8>) -> IPAddress? {
            guard word.count == 8 || word.count == 32 else { return nil }
            var bits: UInt128 = 0
            for start in stride(from: word.startIndex, to: word.endIndex, by: 8) {
                guard let part = number(word[start..<(start + 8)]) else { return nil }
                bits = bits << 32 | UInt128(UInt32(bigEndian: part))
            }
            // A socket of both families has addresses of IPv4 as those of IPv6 that stand for them (RFC 4291, section 2.5.5.2).
            guard word.count == 32, bits >> 32 != 0xFFFF else { return .v4(UInt32(truncatingIfNeeded: bits)) }
            return .v6(bits)
        }

        private static func number(_ word: ArraySlice<UInt8>) -> UInt32? {
            UInt32(String(decoding: word, as: UTF8.self), radix: 16)
        }
    }
}
