/// `timeouts`, by HAProxy's names. The two others stand where they belong: `queue.wait` and `health.timeout` of a pool.
package struct TimeoutSettings: Sendable, Equatable {
    /// `client`: without a byte from or to the client while a request is under way.
    package var client = Duration.seconds(60)
    /// `client-hs`: for the whole TLS handshake.
    package var clientHandshake = Duration.seconds(10)
    /// `http-request`: for the whole head of a request, from its first byte (from the accept for the first one).
    package var httpRequest = Duration.seconds(10)
    /// `http-keep-alive`: between an answer and the next request.
    package var httpKeepAlive = Duration.seconds(60)
    /// `connect`: for the connection to an app server.
    package var connect = Duration.seconds(5)
    /// `server`: without a byte from or to the app server while a request is under way.
    package var server = Duration.seconds(60)
    /// `server-fin`: for the app server's close, after ours.
    package var serverFin = Duration.seconds(10)
    /// `client-fin`: for the client's close, after ours.
    package var clientFin = Duration.seconds(10)
    /// `tunnel`: without a byte either way, after an upgrade.
    package var tunnel = Duration.seconds(3600)

    package init() {}
}
