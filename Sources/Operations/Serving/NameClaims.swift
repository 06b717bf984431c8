/// The names that are being certified at this moment. No two orders for one name go on at a time: a handshake for a name
/// shows one answer to TLS-ALPN-01, and programs that make DNS records may keep one for each name.
internal struct NameClaims: Sendable {
    private var names: Set<String> = []
    /// Those of them that others have wanted, too.
    private var missed: Set<String> = []

    /// - Returns: false when one of them is being certified already: then its release says that others wait.
    mutating func claim(_ wanted: [String]) -> Bool {
        guard names.isDisjoint(with: wanted) else {
            missed.formUnion(names.intersection(wanted))
            return false
        }
        names.formUnion(wanted)
        return true
    }

    /// - Returns: whether others have asked for one of these since it was claimed: they should ask again.
    mutating func release(_ claimed: [String]) -> Bool {
        names.subtract(claimed)
        defer { missed.subtract(claimed) }
        return !missed.isDisjoint(with: claimed)
    }
}
