package import Gateway
package import Linux
package import OpenSSL

/// The secrets of a configuration: certificates with their keys, and the keys of session tickets.
///
/// Between processes they are bytes in memory that is wiped: the tickets' keys, then for each name of the site's
/// `certificates` its length and text, the share of the clients that its bundles are on trial with (0 for those that are
/// in force), the number of its bundles, and each with its length (4 bytes, big-endian).
package struct GatewayKeys: Sendable {
    package let keyring: Keyring
    package let tickets: TicketKeys

    package init(keyring: Keyring, tickets: TicketKeys) {
        self.keyring = keyring
        self.tickets = tickets
    }

    /// - Throws: OpenSSLError when a key cannot be exported; SystemError when there is no memory.
    package func sealed() throws -> SecretBytes {
        let shown = keyring.certificates.sorted { $0.key < $1.key }.map { (name: $0.key, share: 0, bundles: $0.value) }
        let tried = keyring.trials.sorted { $0.key < $1.key }
            .map { (name: $0.key, share: $0.value.share, bundles: $0.value.bundles) }
        // A start has thousands, each with a key that OpenSSL has to export.
        let entries = shown + tried
        let bundles = Parallel.map(entries) { entry in
            Result { () throws(OpenSSLError) in
                try entry.bundles.map { (bundle) throws(OpenSSLError) in try bundle.serialized() }
            }
        }
        let names = try zip(entries, bundles).map { entry, bundles in
            (name: Array(entry.name.utf8), share: entry.share, bundles: try bundles.get())
        }
        let size = names.reduce(TicketKeys.serializedSize + 4) { size, entry in
            size + 12 + entry.name.count + entry.bundles.reduce(0) { $0 + 4 + $1.count }
        }
        var writer = Writer(bytes: try SecretBytes(count: size))
        let held = tickets.serialized
        writer.append(held.bytes)
        writer.append(length: names.count)
        for entry in names {
            writer.append(length: entry.name.count)
            writer.append(entry.name.span)
            writer.append(length: entry.share)
            writer.append(length: entry.bundles.count)
            for bundle in entry.bundles {
                writer.append(length: bundle.count)
                writer.append(bundle.bytes)
            }
        }
        return writer.bytes
    }

    /// - Throws: `GatewayKeysError` when the bytes are not what `sealed` makes; CertificateError when a key is not.
    package init(_ sealed: SecretBytes) throws {
        var reader = Reader(source: sealed)
        let range = try reader.take(TicketKeys.serializedSize)
        let source = sealed.bytes
        guard let tickets = TicketKeys(serialized: source.extracting(range)) else { throw GatewayKeysError() }
        let issuers = IssuerPool()
        var keyring = Keyring([:])
        for _ in 0..<(try reader.length()) {
            let place = try reader.take(try reader.length())
            let name = String(decoding: place.map { source[$0] }, as: UTF8.self)
            let share = try reader.length()
            var bundles: [CertificateBundle] = []
            for _ in 0..<(try reader.length()) {
                let place = try reader.take(try reader.length())
                bundles.append(try CertificateBundle(serialized: source.extracting(place), sharing: issuers))
            }
            if share == 0 {
                keyring.certificates[name] = bundles
            } else {
                keyring.trials[name] = CertificateTrial(share: share, bundles: bundles)
            }
        }
        guard reader.position == sealed.count else { throw GatewayKeysError() }
        self.init(keyring: keyring, tickets: tickets)
    }

    /// Ticket keys alone, as one control process leaves them to the next; nil when these are none.
    package static func tickets(_ sealed: SecretBytes) -> TicketKeys? {
        TicketKeys(serialized: sealed.bytes)
    }

    private struct Writer {
        let bytes: SecretBytes
        private var position = 0

        init(bytes: SecretBytes) { self.bytes = bytes }

        mutating func append(_ source: Span<UInt8>) {
            bytes.replace(at: position, with: source)
            position += source.count
        }

        mutating func append(length: Int) {
            for shift in [24, 16, 8, 0] {
                bytes.set(position, UInt8(truncatingIfNeeded: length >> shift))
                position += 1
            }
        }
    }

    private struct Reader {
        let source: SecretBytes
        private(set) var position = 0

        init(source: SecretBytes) { self.source = source }

        mutating func take(_ count: Int) throws -> Range<Int> {
            guard count <= source.count - position else { throw GatewayKeysError() }
            defer { position += count }
            return position..<position + count
        }

        mutating func length() throws -> Int {
            let place = try take(4)
            let bytes = source.bytes
            return place.reduce(0) { $0 << 8 | Int(bytes[$1]) }
        }
    }
}

extension TicketKeys {
    /// A copy for another process, to be wiped by whoever gets it.
    package func sealed() throws(SystemError) -> SecretBytes {
        let held = serialized
        return try SecretBytes(copying: held.bytes)
    }
}

/// Keys that came in pieces and do not fit together.
package struct GatewayKeysError: Error, CustomStringConvertible {
    package var description: String { "the keys that came from the control plane are cut or malformed" }
}
