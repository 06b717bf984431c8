/// Tells when a wave of connections has ebbed away: what their TLS sessions took then lies free in malloc's heaps,
/// between what stays, and goes back to the system only when malloc is told.
internal struct ConnectionTide {
    /// Fewer that left are not worth the search: 9 MiB, with the 14.7 KiB of an idle TLS connection.
    private static let least = 600

    private var highest = 0

    /// Whether most of a wave has gone since this was last true.
    ///
    /// - Parameter open: connections now. Asked every few seconds: what comes and goes in between is no wave.
    mutating func hasEbbed(_ open: Int) -> Bool {
        highest = max(highest, open)
        guard highest - open >= Self.least, open <= highest / 2 else { return false }
        highest = open
        return true
    }
}
