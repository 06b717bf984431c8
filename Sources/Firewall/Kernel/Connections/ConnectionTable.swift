import CConntrack
import Glibc
package import Linux
import Site

/// The connections that the kernel tracks in this process's network (conntrack(8)).
package enum ConnectionTable {
    /// Deletes every entry that `isClosed` names: the connection's next packet is of state new again.
    ///
    /// - Returns: those that were deleted. One that ended meanwhile is not among them.
    /// - Throws: EPERM without CAP_NET_ADMIN; EPROTONOSUPPORT where the kernel tracks nothing.
    package static func delete(
        where isClosed: (TrackedConnection) -> Bool
    ) throws(SystemError) -> [TrackedConnection] {
        var deleted: [TrackedConnection] = []
        for entry in try entries() {
            guard let connection = entry.connection, isClosed(connection) else { continue }
            if try delete(entry) { deleted.append(connection) }
        }
        return deleted
    }

    /// Adds connections of TCP that are under way, as if they had been tracked from the start; those that are known are left
    /// as they are. The kernel need not track yet.
    ///
    /// - Throws: EPERM without CAP_NET_ADMIN; EPROTONOSUPPORT where the kernel tracks nothing.
    package static func add(_ connections: [TrackedConnection]) throws(SystemError) {
        guard let handle = unsafe nfct_open(1, 0) else { throw .last("nfct_open") }
        defer { unsafe nfct_close(handle) }
        for connection in connections {
            guard let entry = Entry(connection) else { throw .last("nfct_new") }
            // Sound: the entry lives during the call.
            if unsafe nfct_query(handle, NFCT_Q_CREATE, UnsafeRawPointer(entry.pointer)) == 0 { continue }
            guard errno == EEXIST else { throw .last("adding a tracked connection") }
        }
    }

    /// The entries of both families.
    package static func all() throws(SystemError) -> [TrackedConnection] {
        try entries().compactMap(\.connection)
    }

    /// An entry as the library hands it out; belongs to this object.
    @safe
    private final class Entry {
        let pointer: OpaquePointer

        init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

        /// One of TCP that is established; nil for want of memory.
        init?(_ connection: TrackedConnection) {
            guard let entry = unsafe nfct_new() else { return nil }
            unsafe pointer = entry
            let (source, destination) = (connection.source.bytes, connection.destination.bytes)
            let isIPv6 = source.count == 16
            // Sound: the library copies as many bytes as the attribute has, 4 or 16 of an address.
            unsafe nfct_set_attr_u8(entry, ATTR_ORIG_L3PROTO, UInt8(isIPv6 ? AF_INET6 : AF_INET))
            unsafe nfct_set_attr(entry, isIPv6 ? ATTR_ORIG_IPV6_SRC : ATTR_ORIG_IPV4_SRC, source)
            unsafe nfct_set_attr(entry, isIPv6 ? ATTR_ORIG_IPV6_DST : ATTR_ORIG_IPV4_DST, destination)
            unsafe nfct_set_attr_u8(entry, ATTR_ORIG_L4PROTO, connection.protocolNumber.rawValue)
            unsafe nfct_set_attr_u16(entry, ATTR_ORIG_PORT_SRC, connection.sourcePort.bigEndian)
            unsafe nfct_set_attr_u16(entry, ATTR_ORIG_PORT_DST, connection.detail.bigEndian)
            unsafe nfct_setobjopt(entry, UInt32(NFCT_SOPT_SETUP_REPLY))
            unsafe nfct_set_attr_u8(entry, ATTR_TCP_STATE, UInt8(TCP_CONNTRACK_ESTABLISHED.rawValue))
            // How its windows are scaled was said in its SYN: they are not looked at, as for one that the kernel picks up.
            for attribute in [ATTR_TCP_FLAGS_ORIG, ATTR_TCP_MASK_ORIG, ATTR_TCP_FLAGS_REPL, ATTR_TCP_MASK_REPL] {
                unsafe nfct_set_attr_u8(entry, attribute, Self.isLiberal)
            }
            unsafe nfct_set_attr_u32(entry, ATTR_TIMEOUT, Self.timeout)
            let status = IPS_CONFIRMED.rawValue | IPS_ASSURED.rawValue | IPS_SEEN_REPLY.rawValue
            unsafe nfct_set_attr_u32(entry, ATTR_STATUS, status)
        }

        /// IP_CT_TCP_FLAG_BE_LIBERAL.
        private static let isLiberal: UInt8 = 0x08
        /// Seconds that the kernel remembers an established connection without packets, unless told otherwise
        /// (nf_conntrack_tcp_timeout_established): five days.
        private static let timeout: UInt32 = 432_000

        deinit { unsafe nfct_destroy(pointer) }

        /// nil for what is no connection between two addresses.
        var connection: TrackedConnection? {
            let isIPv6 = unsafe Int32(nfct_get_attr_u8(pointer, ATTR_ORIG_L3PROTO)) == AF_INET6
            // Where it goes is who answers: the reply's source, to which a translation has already been applied.
            guard let source = address(isIPv6 ? ATTR_ORIG_IPV6_SRC : ATTR_ORIG_IPV4_SRC, isIPv6),
                let destination = address(isIPv6 ? ATTR_REPL_IPV6_SRC : ATTR_REPL_IPV4_SRC, isIPv6)
            else { return nil }
            let number = ProtocolNumber(rawValue: unsafe nfct_get_attr_u8(pointer, ATTR_ORIG_L4PROTO))
            var connection = TrackedConnection(from: source, to: destination, number)
            if number == .icmp || number == .icmpv6 {
                let type = unsafe nfct_get_attr_u8(pointer, ATTR_ICMP_TYPE)
                connection.detail = UInt16(type) << 8 | UInt16(unsafe nfct_get_attr_u8(pointer, ATTR_ICMP_CODE))
            } else if number.hasPorts {
                connection.sourcePort = UInt16(bigEndian: unsafe nfct_get_attr_u16(pointer, ATTR_ORIG_PORT_SRC))
                connection.detail = UInt16(bigEndian: unsafe nfct_get_attr_u16(pointer, ATTR_REPL_PORT_SRC))
            }
            let isRedirected = unsafe nfct_get_attr_u32(pointer, ATTR_STATUS) & UInt32(IPS_DST_NAT.rawValue) != 0
            if isRedirected, let place = address(isIPv6 ? ATTR_ORIG_IPV6_DST : ATTR_ORIG_IPV4_DST, isIPv6) {
                let port = UInt16(bigEndian: unsafe nfct_get_attr_u16(pointer, ATTR_ORIG_PORT_DST))
                connection.sent = .init(place, detail: number.hasPorts ? port : connection.detail)
            }
            return connection
        }

        private func address(_ attribute: nf_conntrack_attr, _ isIPv6: Bool) -> IPAddress? {
            guard let bytes = unsafe nfct_get_attr(pointer, attribute) else { return nil }
            // Sound: an address has 4 or 16 bytes, in network order, and is copied at once.
            return IPAddress(bytes: unsafe Array(UnsafeRawBufferPointer(start: bytes, count: isIPv6 ? 16 : 4)))
        }
    }

    private final class Collector {
        var entries: [Entry] = []
    }

    private static func entries() throws(SystemError) -> [Entry] {
        guard let handle = unsafe nfct_open(1, 0) else { throw .last("nfct_open") }
        defer { unsafe nfct_close(handle) }
        let collector = Collector()
        // Sound: the collector outlives the query, during which alone the callback is called, on this thread.
        // NFCT_CB_STOLEN leaves the entry to us.
        unsafe nfct_callback_register(
            handle,
            NFCT_T_ALL,
            { _, entry, context in
                guard let entry = unsafe entry, let context = unsafe context else { return Int32(NFCT_CB_CONTINUE) }
                unsafe Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue().entries.append(Entry(entry))
                return Int32(NFCT_CB_STOLEN)
            },
            Unmanaged.passUnretained(collector).toOpaque()
        )
        var both = UInt32(AF_UNSPEC)
        guard unsafe nfct_query(handle, NFCT_Q_DUMP, &both) == 0 else { throw .last("listing tracked connections") }
        return withExtendedLifetime(collector) { collector.entries }
    }

    private static func delete(_ entry: Entry) throws(SystemError) -> Bool {
        guard let handle = unsafe nfct_open(1, 0) else { throw .last("nfct_open") }
        defer { unsafe nfct_close(handle) }
        // Sound: the entry lives during the call.
        if unsafe nfct_query(handle, NFCT_Q_DESTROY, UnsafeRawPointer(entry.pointer)) == 0 { return true }
        guard errno == ENOENT else { throw .last("deleting a tracked connection") }
        return false
    }
}
