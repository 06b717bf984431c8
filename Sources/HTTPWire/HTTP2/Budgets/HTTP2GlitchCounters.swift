/// How often each glitch was seen and how often it closed a connection, summed over a worker's sessions.
///
/// A worker owns one and gives it to all its sessions. Not thread-safe.
package final class HTTP2GlitchCounters {
    private var seen = [UInt64](repeating: 0, count: HTTP2Glitch.allCases.count)
    private var closed = [UInt64](repeating: 0, count: HTTP2Glitch.allCases.count)

    package init() {}

    /// Glitches of that kind seen.
    package func count(of glitch: HTTP2Glitch) -> UInt64 { seen[glitch.rawValue] }

    /// Connections closed because this kind was one too many.
    package func closures(by glitch: HTTP2Glitch) -> UInt64 { closed[glitch.rawValue] }

    func note(_ glitch: HTTP2Glitch) { seen[glitch.rawValue] &+= 1 }

    func noteClosure(by glitch: HTTP2Glitch) { closed[glitch.rawValue] &+= 1 }
}
