import CAres
import Outbound

/// What c-ares says of an answer, in the channel's words.
enum Answer {
    /// - Parameters:
    ///   - bytes: the answer as it came, `count` of them; nil when there is none.
    static func records(
        _ kind: RecordKind,
        _ status: Int32,
        _ bytes: UnsafeMutablePointer<UInt8>?,
        _ count: Int32
    ) -> NameAnswer.Records {
        guard status == cares_success, let bytes = unsafe bytes else { return failure(status) }
        return switch kind {
        case .a: unsafe v4(bytes, count)
        case .aaaa: unsafe v6(bytes, count)
        }
    }

    // Sound, in both: c-ares reads within `count` bytes and writes at most as many entries as it is told there
    // is room for.

    private static func v4(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int32) -> NameAnswer.Records {
        var entries = [ares_addrttl](repeating: ares_addrttl(), count: NameAnswer.mostAddresses)
        var found = Int32(entries.count)
        let status = unsafe ares_parse_a_reply(bytes, count, nil, &entries, &found)
        guard status == cares_success else { return failure(status) }
        return records(
            entries.prefix(Int(found)).map { entry in
                let address = UInt32(bigEndian: entry.ipaddr.s_addr)
                return ([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: address >> $0) }, entry.ttl)
            }
        )
    }

    private static func v6(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int32) -> NameAnswer.Records {
        var entries = [ares_addr6ttl](repeating: ares_addr6ttl(), count: NameAnswer.mostAddresses)
        var found = Int32(entries.count)
        let status = unsafe ares_parse_aaaa_reply(bytes, count, nil, &entries, &found)
        guard status == cares_success else { return failure(status) }
        return records(
            entries.prefix(Int(found)).map { entry in
                (unsafe withUnsafeBytes(of: entry.ip6addr) { unsafe Array($0) }, entry.ttl)
            }
        )
    }

    private static func records(_ found: [(address: [UInt8], ttl: Int32)]) -> NameAnswer.Records {
        guard let ttl = found.map(\.ttl).min() else { return .none(exists: true) }
        // RFC 2181 section 8: a TTL with the highest bit set is zero.
        return .addresses(found.map(\.address), ttl: UInt32(max(0, ttl)))
    }

    /// CAA records (RFC 8659, section 4); parameters as above.
    static func restrictions(
        _ status: Int32,
        _ bytes: UnsafeMutablePointer<UInt8>?,
        _ count: Int32
    ) -> RestrictionAnswer {
        if status == cares_no_data || status == cares_not_found { return .records([]) }
        guard status == cares_success, let bytes = unsafe bytes else { return .failed(reason(status)) }
        var first: UnsafeMutablePointer<ares_caa_reply>?
        // Sound: c-ares reads within `count` bytes; its list is freed after it was copied.
        let parsed = unsafe ares_parse_caa_reply(bytes, count, &first)
        defer { unsafe ares_free_data(first) }
        if parsed == cares_no_data { return .records([]) }
        guard parsed == cares_success else { return .failed(reason(parsed)) }
        var found: [RestrictionAnswer.Record] = []
        var entry = unsafe first
        while let current = unsafe entry, found.count < RestrictionAnswer.most {
            let record = unsafe current.pointee
            unsafe found.append(
                RestrictionAnswer.Record(
                    isCritical: record.critical & 0x80 != 0,
                    tag: text(record.property, record.plength),
                    value: text(record.value, record.length)
                )
            )
            unsafe entry = record.next
        }
        return .records(found)
    }

    private static func text(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> String {
        unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count), as: UTF8.self)
    }

    private static func failure(_ status: Int32) -> NameAnswer.Records {
        switch status {
        case cares_no_data: .none(exists: true)
        case cares_not_found: .none(exists: false)
        default: .failed(reason(status))
        }
    }

    private static func reason(_ status: Int32) -> LookupFailure {
        switch status {
        case cares_server_failed: .serverFailed
        case cares_refused: .refused
        case cares_not_implemented: .notImplemented
        case cares_connection_refused: .unreachable
        case cares_timed_out: .timedOut
        case cares_bad_name, cares_bad_query: .badName
        case cares_cancelled, cares_destroyed: .cancelled
        case cares_no_memory: .noMemory
        default: .malformed
        }
    }
}
