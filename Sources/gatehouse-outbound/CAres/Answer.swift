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

    private static func failure(_ status: Int32) -> NameAnswer.Records {
        switch status {
        case cares_no_data: .none(exists: true)
        case cares_not_found: .none(exists: false)
        case cares_server_failed: .failed(.serverFailed)
        case cares_refused: .failed(.refused)
        case cares_not_implemented: .failed(.notImplemented)
        case cares_connection_refused: .failed(.unreachable)
        case cares_timed_out: .failed(.timedOut)
        case cares_bad_name, cares_bad_query: .failed(.badName)
        case cares_cancelled, cares_destroyed: .failed(.cancelled)
        case cares_no_memory: .failed(.noMemory)
        default: .failed(.malformed)
        }
    }
}
