extension HeaderSettings {
    static let shape = Shape<HeaderSettings>.mapping(
        HeaderSettings(),
        [
            .key("forwarded", \.forwarded, .word, "What tells the app server about the client."),
            .key("request-id", \.requestID, .word, "X-Request-Id of a trusted proxy is kept, or always made anew."),
            .key("security", \.security, .word, "A set of security headers on answers."),
            .key("hsts", \.hsts, HSTSSettings.shape, "Strict-Transport-Security on answers over TLS."),
            .key("underscores", \.underscores, .word, "Request fields with _ in their name."),
        ]
    )
}

extension HSTSSettings {
    static let shape = Shape<HSTSSettings>.mapping(
        HSTSSettings(),
        [
            .key(
                "max-age",
                \.maxAge,
                .duration(atLeast: .zero),
                "How long browsers keep to HTTPS; 0s makes them forget."
            ),
            .key("include-subdomains", \.includeSubdomains, .boolean, "Whether it holds for every name below."),
            .key("preload", \.preload, .boolean, "Asks to be put on the browsers' own lists."),
        ]
    ).checked { hsts, node, decoding in
        guard hsts.preload, !hsts.includeSubdomains || hsts.maxAge < .seconds(31_536_000), let preload = node["preload"]
        else { return }
        decoding.collector.report(
            .ineffective,
            .warning,
            at: preload.range,
            "browsers take no name onto their lists without `include-subdomains: true` and a `max-age` of a year",
            help: "add them, or remove `preload`"
        )
    }
}
