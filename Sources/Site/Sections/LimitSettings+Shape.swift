extension LimitSettings {
    static let shape = Shape<LimitSettings>.mapping(
        LimitSettings(),
        [
            .key("connections", \.connections, .integer(1...10_000_000), "Clients' connections in all."),
            .key(
                "connections-per-address",
                \.connectionsPerAddress,
                .integer(1...10_000_000),
                "Connections of one address."
            ),
            .key("request-line", \.requestLine, head, "The request line; 414 above."),
            .key("header", \.header, head, "One header field; 431 above."),
            .key("headers", \.headers, head, "All header fields; 431 above."),
            .key("header-count", \.headerCount, .integer(1...1000), "The number of header fields; 431 above."),
            .key("body", \.body, .bodyLimit, "A request body; 413 above."),
            .key(
                "minimum-body-rate",
                \.minimumBodyRate,
                .size(0...ByteSize(1 << 40)),
                "Bytes a second that a request body must bring; 0 for no minimum."
            ),
            .key("streams", \.streams, .integer(1...10_000), "HTTP/2 streams at a time on a connection."),
            .key(
                "buffer",
                \.buffer,
                .size(.kibibytes(16)...ByteSize(1 << 30)),
                "Bytes read on one side of a connection and not yet taken by the other."
            ),
        ]
    ).checked { limits, node, decoding in
        guard limits.header > limits.headers, let place = node["headers"] ?? node["header"] else { return }
        decoding.collector.report(
            .conflict,
            at: place.range,
            "`headers` (\(limits.headers)) is less than `header` (\(limits.header)): no field of that size would pass"
        )
    }

    /// Less than 256 bytes would refuse browsers; more than a mebibyte would be held for each connection.
    private static let head = Shape<ByteSize>.size(256...ByteSize(1 << 20))
}
