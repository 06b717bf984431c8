/// What a client may do a little of and not a lot: legal frames that cost the server more than the client.
///
/// The raw value indexes `HTTP2GlitchCounters`, whose numbers the gateway exports by `name`.
package enum HTTP2Glitch: Int, CaseIterable, Sendable {
    /// RST_STREAM received (Rapid Reset, CVE-2023-44487).
    case resetReceived
    /// RST_STREAM that the client made us send (MadeYouReset, CVE-2025-8671).
    case resetProvoked
    /// A malformed request (RFC 9113 section 8.1.1).
    case malformedMessage
    /// A head beyond the limits, answered with 414 or 431.
    case oversizedHead
    /// CONTINUATION frames (CVE-2024-27316).
    case continuation
    /// SETTINGS without ACK; each must be acknowledged.
    case settings
    /// PING: each must be answered, and what answers none of ours is of no use.
    case ping
    /// PRIORITY and PRIORITY_UPDATE.
    case priority
    /// DATA without a byte of payload that does not end its stream.
    case emptyData
    case windowUpdate
    /// HEADERS for a stream that is refused because the connection is going away.
    case lateStream
    /// Frames of an unknown type, GOAWAY frames, and DATA for a stream that is gone.
    case uselessFrame

    /// The name that metrics carry.
    package var name: StaticString {
        switch self {
        case .resetReceived: "reset_received"
        case .resetProvoked: "reset_provoked"
        case .malformedMessage: "malformed_message"
        case .oversizedHead: "oversized_head"
        case .continuation: "continuation"
        case .settings: "settings"
        case .ping: "ping"
        case .priority: "priority"
        case .emptyData: "empty_data"
        case .windowUpdate: "window_update"
        case .lateStream: "late_stream"
        case .uselessFrame: "useless_frame"
        }
    }
}
