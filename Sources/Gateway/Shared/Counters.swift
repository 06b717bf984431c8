import HTTPWire
import OpenSSL

/// What each worker counts, one word each. Names end up in metrics, in the order of this list.
package enum Counter: Int, CaseIterable, Sendable {
    /// Milliseconds, monotonic: the worker's last turn.
    case heartbeat
    case connectionsAccepted
    case connectionsOpen
    /// Connections closed at once: for the limit on all of them, on those of one address, or because TLS could not begin.
    case connectionsOverLimit
    case connectionsOverAddressLimit
    case connectionsWithoutTLS
    case handshakes
    case handshakesResumed
    case handshakesFailed
    case requestsHTTP10
    case requestsHTTP11
    case requestsHTTP2
    case bytesFromClients
    case bytesToClients
    case bytesFromServers
    case bytesToServers
    case serverConnectionsMade
    case serverConnectionsReused
    case serverConnectionsFailed
    case retries
    /// Retries that their budget did not allow.
    case retriesDenied
    case queued
    case queueTimeouts
    case tunnelsOpened
    case tunnelsOpen
    case logLinesDropped
    case buffersMade
    /// Connections that ended because the client broke HTTP/2 itself.
    case http2ProtocolErrors
    case timeoutsClientHandshake
    case timeoutsHTTPRequest
    case timeoutsHTTPKeepAlive
    case timeoutsClient
    case timeoutsClientFin
    case timeoutsConnect
    case timeoutsServer
    case timeoutsServerFin
    case timeoutsTunnel
    case timeoutsCheck
    case answersOwn
    case publicationsFailed
    /// Gauges: buffers that are in use, those kept to be used again, and HTTP/2's streams that are open.
    case buffersLent
    case buffersKept
    case http2StreamsOpen

    /// Words kept for them, and for glitches, refusals and handshakes that fail, in the shared state.
    static let room = 192
}

/// What each worker counts of HTTP/2's glitches, in the room that `Counter` leaves.
package enum GlitchCounter {
    /// As metrics call them, in the order of `HTTP2Glitch`.
    package static let names: [StaticString] = HTTP2Glitch.allCases.map(\.name)

    private static let first = 64

    /// The word, counted from a worker's first one, that says how often a glitch was seen.
    package static func seen(_ glitch: Int) -> Int { first + glitch }

    /// The word that says how many connections were closed because that glitch was one too many.
    package static func closures(_ glitch: Int) -> Int { first + names.count + glitch }
}

/// What each worker counts of requests that it refused, in the room that `Counter` leaves.
package enum RefusalCounter {
    /// As metrics call them.
    package static let names = RefusalReason.allCases.map(\.rawValue)

    private static let words = Dictionary(
        uniqueKeysWithValues: RefusalReason.allCases.enumerated().map { ($0.element, 96 + $0.offset) }
    )

    /// The word, counted from a worker's first one, of a reason.
    internal static func word(_ reason: RefusalReason) -> Int { words[reason] ?? 0 }

    /// The word of a reason by its place in `names`.
    package static func word(at index: Int) -> Int { word(RefusalReason.allCases[index]) }
}

/// What each worker counts of handshakes that failed, in the room that `Counter` leaves.
package enum HandshakeFailureCounter {
    /// As metrics call them: OpenSSL's reasons, and the client's time that was over.
    package static let names = TLSFailure.Reason.allCases.map(\.rawValue) + ["timeout"]

    private static let first = 160

    private static let words = Dictionary(
        uniqueKeysWithValues: TLSFailure.Reason.allCases.enumerated().map { ($0.element, first + $0.offset) }
    )

    /// The word, counted from a worker's first one, of a reason; nil is the time-out.
    internal static func word(_ reason: TLSFailure.Reason?) -> Int {
        reason.flatMap { words[$0] } ?? first + names.count - 1
    }

    /// The word of a reason by its place in `names`.
    package static func word(at index: Int) -> Int { first + index }
}

/// What each worker counts of each pool.
package enum PoolCounter {
    /// Requests by the class of their status, 1xx to 5xx: words 0...4.
    package static let classes = 5
    /// Upper bounds of the histogram of requests' time, in microseconds.
    package static let bounds: [UInt64] = [
        5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000, 5_000_000,
        7_500_000, 10_000_000,
    ]
    /// Words 8...22: how many fell into each bucket, the last one without a bound.
    package static let buckets = 8
    /// Word 23: the sum of all times, in microseconds.
    package static let sum = 23

    static let room = 32
}
