extension RouteSettings {
    /// One entry of `routes`.
    static let shape = Shape<RouteSettings>.mapping(
        RouteSettings(hosts: [], pool: ""),
        [
            .key(
                "hosts",
                \.hosts,
                .oneOrMore(of: .hostPattern),
                required: true,
                "Names such as foobar.com or *.foobar.com, or * for every other name."
            ),
            .key("path", \.path, .routePath, "A prefix of whole path segments."),
            .key("pool", \.pool, .reference(to: .pool), required: true, "The name of a pool."),
            .key("body", \.body, .bodyLimit, "The most that a request body may hold here."),
            .key("hsts", \.hsts, HSTSSettings.shape, "Strict-Transport-Security for these hosts."),
        ]
    ).placed(\.position)
}

extension Shape where Value == String {
    /// A prefix to hold normalised paths against, so it must be normal itself.
    fileprivate static let routePath = Shape.urlPath.map(
        { path, node, decoding in
            let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            guard !path.contains("?"), !segments.contains("."), !segments.contains(".."),
                !segments.dropLast().contains("")
            else {
                decoding.invalid(
                    node,
                    "\(quoted(path)) is no plain path",
                    help: "write it without a query, empty segments and dot segments"
                )
                return nil
            }
            return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        },
        encode: { .string($0) }
    )
}

extension Shape where Value == BodyLimit {
    /// A size, or `unlimited`.
    static let bodyLimit = Shape.either(
        constant: "unlimited",
        .unlimited,
        or: Shape<ByteSize>.size(0...ByteSize(1 << 50)).map(
            { size, _, _ in .atMost(size) },
            encode: { limit in
                guard case .atMost(let size) = limit else { return nil }
                return .string(size.description)
            }
        )
    )
}
