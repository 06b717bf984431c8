import Bytes

/// What the gateway answers by itself below /.well-known/ (RFC 8615), whatever the host: to ACME servers, which look whether
/// a name is ours (RFC 8555, section 8.3), and to clients that ask which certificates the internal CA has revoked.
internal struct WellKnownTable {
    internal struct Entry {
        let bytes: [UInt8]
        let type: StaticString
    }

    private static let folder = Array("/.well-known/".utf8)

    private let entries: [[UInt8]: Entry]

    init(_ plan: Plan) {
        var entries: [[UInt8]: Entry] = [:]
        for (token, answer) in plan.challenges {
            let path = Array("/.well-known/acme-challenge/\(token)".utf8)
            entries[path] = Entry(bytes: Array(answer.utf8), type: "text/plain")
        }
        for (path, list) in plan.revocationLists {
            entries[Array(path.utf8)] = Entry(bytes: list, type: "application/pkix-crl")
        }
        self.entries = entries
    }

    var isEmpty: Bool { entries.isEmpty }

    /// The answer for a request's target; nil when it is none of ours.
    func answer(to target: Span<UInt8>) -> Entry? {
        guard target.starts(with: Self.folder.span) else { return nil }
        return entries[target.array]
    }
}
