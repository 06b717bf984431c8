/// How much abuse a connection may commit before it is closed with GOAWAY ENHANCE_YOUR_CALM.
///
/// Two budgets, both refilled over time. *Resets* pays for streams that were cancelled, whoever sent the
/// RST_STREAM: cancelled work is what CVE-2023-44487 and CVE-2025-8671 live on, and nothing but time refills it.
/// *Frames* pays for control frames and malformed messages; DATA that we send refills it too, because an honest
/// client answers it with WINDOW_UPDATE and, when it measures bandwidth, with PING.
///
/// The head of a request is bounded apart: it may come in so many CONTINUATION frames and so many bytes before
/// END_HEADERS, and a compressed list may unfold to four times `HTTP2Settings.maxHeadBytes` before the connection
/// is closed.
package struct HTTP2Budgets: Sendable {
    /// Resets that may come at once.
    package var resets = 200
    /// Resets given back each second.
    package var resetsPerSecond = 20
    /// Points for frames that may be spent at once; see `cost(of:)`.
    package var framePoints = 2_000
    /// Points given back each second.
    package var framePointsPerSecond = 200
    /// Points given back for each DATA frame with payload that was sent.
    package var framePointsPerDataSent = 4
    /// CONTINUATION frames for one head at most.
    package var continuationFrames = 8
    /// Bytes of a head's HEADERS and CONTINUATION payloads at most, as compressed.
    package var headBlockBytes = 131_072
    /// PING and SETTINGS acknowledgements that may wait to be written.
    package var outstandingAcknowledgements = 100

    package init() {}

    /// Points of the frame budget that one glitch costs; resets are paid from their own budget.
    func cost(of glitch: HTTP2Glitch) -> Int {
        switch glitch {
        case .resetReceived, .resetProvoked: 0
        case .windowUpdate, .uselessFrame: 1
        case .ping, .priority: 2
        case .continuation, .lateStream: 5
        case .settings, .emptyData, .malformedMessage: 20
        case .oversizedHead: 50
        }
    }
}
