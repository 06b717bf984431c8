extension ListenerSettings {
    /// One entry of `listen`.
    static let shape = Shape<ListenerSettings>.mapping(
        ListenerSettings(port: 0),
        [
            .key("port", \.port, .port, required: true, "The port to listen on."),
            .key(
                "address",
                \.addresses,
                .oneOrMore(of: .socketAddress),
                "The addresses to listen on; every one of the machine, IPv4 and IPv6, when left out."
            ),
            .key("tls", \.tls, TLSSettings.shape, "Makes this a TLS listener."),
            .key(
                "protocols",
                \.protocols,
                .list(of: .word, isEmptyAllowed: false),
                "In the order of preference. With TLS both h2 and http/1.1 when left out."
            ),
            .key(
                "redirect",
                \.redirect,
                .either(word: .constant("https", RedirectSettings()), mapping: RedirectSettings.shape),
                "Answers every request with a redirect to HTTPS."
            ),
        ]
    ).placed(\.position).map { listener, node, decoding in
        var listener = listener
        if listener.tls != nil {
            if node["protocols"] == nil { listener.protocols = [.http2, .http1] }
            if let redirect = node["redirect"] {
                decoding.collector.report(
                    .conflict,
                    at: redirect.range,
                    "a listener with `tls` has nothing to redirect to",
                    help: "put `redirect` on the listener for plain HTTP"
                )
            }
        } else if listener.protocols.contains(.http2), let protocols = node["protocols"] {
            decoding.collector.report(
                .conflict,
                at: protocols.range,
                "`h2` needs `tls`: browsers speak HTTP/2 over TLS alone",
                help: "add `tls`, or remove `h2`"
            )
        }
        return listener
    }
}

extension RedirectSettings {
    fileprivate static let shape = Shape<RedirectSettings>.mapping(
        RedirectSettings(),
        [
            .key("to", \.to, .word, required: true, "The scheme of the new address."),
            .key("port", \.port, .port, "The port of the new address."),
        ]
    )
}

extension TLSSettings {
    fileprivate static let shape = Shape<TLSSettings>.mapping(
        TLSSettings(certificates: []),
        [
            .key(
                "certificates",
                \.certificates,
                .oneOrMore(of: .reference(to: .certificate)),
                required: true,
                "Names of certificates. The first is the default one."
            ),
            .key("profile", \.profile, .word, "Mozilla's set of versions and suites."),
            .key(
                "groups",
                \.groups,
                .list(of: KeyExchangeGroup.shape),
                "Key exchange groups by OpenSSL's names, best first."
            ),
            .key(
                "unknown-name",
                \.unknownName,
                .word,
                "What a client gets that asks for a name no certificate covers."
            ),
            .key("client-certificates", \.clientCertificates, ClientCertificateSettings.shape, "Mutual TLS."),
        ]
    ).placed(\.position)
}

extension KeyExchangeGroup {
    fileprivate static let shape = Shape<String>.identifier
        .map({ name, _, _ in KeyExchangeGroup(name) }, encode: { .string($0.name) })
        .placed(\.position)
}

extension ClientCertificateSettings {
    fileprivate static let shape = Shape<ClientCertificateSettings>.mapping(
        ClientCertificateSettings(authority: ""),
        [
            .key("ca", \.authority, .filePath, required: true, "A PEM file of the authorities to accept.")
                .placed(\.authorityPosition),
            .key("crl", \.revocationLists, .filePath, "A PEM file of what those authorities have revoked.")
                .placed(\.revocationListsPosition),
            .key("mode", \.mode, .word, "Whether a client must have a certificate."),
            .key("header", \.header, .fieldName, "The request field that tells the app server the subject."),
        ]
    )
}

extension Shape where Value == String {
    /// A field name (RFC 9110, section 5.1: a token), of those that may not hold the message itself together.
    fileprivate static let fieldName = Shape.text("a field name", describe: { $0 }) { (text) throws(ValueFault) in
        let marks = "!#$%&'*+-.^_`|~".utf8
        let isToken = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: marks.contains(byte)
            }
        }
        guard (1...64).contains(text.utf8.count), isToken else {
            throw ValueFault("is no field name", help: "write it like `X-Client-Subject`")
        }
        let taken: Set = [
            "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect",
            "keep-alive", "proxy-connection", "forwarded", "x-request-id",
        ]
        guard !taken.contains(text.lowercased()) else {
            throw ValueFault("has a meaning of its own", help: "choose another, such as `X-Client-Subject`")
        }
        return text
    }
}
