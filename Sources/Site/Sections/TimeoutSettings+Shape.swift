extension TimeoutSettings {
    /// The keys are HAProxy's names.
    static let shape = Shape<TimeoutSettings>.mapping(
        TimeoutSettings(),
        [
            .key("client", \.client, .duration(), "Without a byte from or to the client while a request is under way."),
            .key("client-hs", \.clientHandshake, .duration(), "For the whole TLS handshake."),
            .key("http-request", \.httpRequest, .duration(), "For the whole head of a request."),
            .key("http-keep-alive", \.httpKeepAlive, .duration(), "Between an answer and the next request."),
            .key("connect", \.connect, .duration(), "For the connection to an app server."),
            .key(
                "server",
                \.server,
                .duration(),
                "Without a byte from or to the app server while a request is under way."
            ),
            .key("server-fin", \.serverFin, .duration(), "For the app server's close, after ours."),
            .key("client-fin", \.clientFin, .duration(), "For the client's close, after ours."),
            .key("tunnel", \.tunnel, .duration(), "Without a byte either way, after an upgrade."),
        ]
    )
}
