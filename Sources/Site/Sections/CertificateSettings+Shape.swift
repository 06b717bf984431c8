extension CertificateSettings {
    /// One entry of `certificates`.
    static let shape = Shape<CertificateSettings>.mapping(
        CertificateSettings(name: "", names: [], issuer: .internal),
        [
            .key(
                "names",
                \.names,
                .oneOrMore(of: .coveredName),
                required: true,
                "The names that the certificate covers."
            ).placed(\.namesPosition),
            .key(
                "issuer",
                \.issuer,
                .either(word: .constant("internal", .internal), mapping: IssuerKeys.shape),
                required: true,
                "Where it comes from: internal (the site's own CA), a CA that speaks ACME, or PEM files."
            ).placed(\.issuerPosition),
            .key("key", \.key, .word, "The kind of key to make.").placed(\.keyPosition),
            .key(
                "reuse-key",
                \.reusesKey,
                .boolean,
                "Whether the next one has the same key, as for clients that pin it."
            ),
            .key(
                "standby",
                \.standby,
                .either(word: .constant("internal", .internal), mapping: IssuerKeys.shape),
                "Another issuer, whose certificate is kept ready to take its place."
            ).placed(\.standbyPosition),
            .key("deploy", \.deploy, DeploySettings.shape, "The program that is run after it was replaced."),
            .key(
                "canary",
                \.canary,
                .either(word: CanarySettings.short, mapping: CanarySettings.shape),
                "A new one is shown to this share of the clients first, and taken back when they refuse it."
            ),
        ]
    ).placed(\.position).named(\.name).checked { certificate, node, decoding in
        for issuer in [certificate.issuer, certificate.standby] {
            if case .acme(let acme) = issuer { checkNames(certificate, acme, node, &decoding) }
        }
        checkStandby(certificate, node, &decoding)
        guard case .files = certificate.issuer else { return }
        for (word, key) in ["key", "reuse-key"].compactMap({ word in node[word].map { (word, $0) } }) {
            decoding.collector.report(
                .ineffective,
                .warning,
                at: key.range,
                "`\(word)` has no meaning for a certificate from files",
                help: "remove it; the files hold the key"
            )
        }
    }

    private static func checkStandby(
        _ certificate: CertificateSettings,
        _ node: Node,
        _ decoding: inout Decoding
    ) {
        if certificate.name.hasSuffix(CertificateSettings.standbySuffix) {
            decoding.collector.report(
                .conflict,
                at: node.range,
                "names that end with `\(CertificateSettings.standbySuffix)` are those of standbys",
                help: "give the certificate another name"
            )
        }
        if let key = node["standby"], certificate.standby == certificate.issuer {
            decoding.collector.report(
                .conflict,
                at: key.range,
                "the standby comes from the same issuer, and would fail with it",
                help: "name another one, or leave `standby` out"
            )
        }
    }

    /// A CA certifies every name below a domain only to who holds its DNS (RFC 8555, section 8.4), and an address only
    /// to who answers there (RFC 8738, section 7).
    private static func checkNames(
        _ certificate: CertificateSettings,
        _ acme: ACMESettings,
        _ node: Node,
        _ decoding: inout Decoding
    ) {
        guard let names = node["names"] else { return }
        for candidate in acme.candidates {
            for name in certificate.names {
                if case .wildcard = name, !candidate.challenges.contains(.dns01) {
                    decoding.collector.report(
                        .conflict,
                        at: names.range,
                        "\(quoted("\(name)")) needs the challenge dns-01 of \(candidate.directory)",
                        help: "add `dns: { run: /path/of/program }` to `issuer`, or name each host"
                    )
                    return
                }
                if case .exact(let text) = name, IPAddress(text) != nil, candidate.challenges == [.dns01] {
                    decoding.collector.report(
                        .conflict,
                        at: names.range,
                        "the address \(text) cannot be shown to be ours by dns-01",
                        help: "add `http-01` or `tls-alpn-01` to `challenges`"
                    )
                    return
                }
            }
        }
    }
}

extension CanarySettings {
    fileprivate static let shape = Shape<CanarySettings>.mapping(
        CanarySettings(),
        [
            .key("share", \.share, .share, "The share of the clients."),
            .key("time", \.time, .duration(atLeast: .seconds(1)), "How long the trial lasts."),
            .key(
                "clients",
                \.clients,
                .integer(1...10_000),
                "It ends before its time when so many clients were shown the new one."
            ),
        ]
    )

    /// The share alone.
    fileprivate static let short: Shape<CanarySettings> = Shape<Int>.share.map(
        { share, _, _ in
            var settings = CanarySettings()
            settings.share = share
            return settings
        },
        encode: { _ in nil }
    )
}

extension Shape where Value == Int {
    /// `10%`, as 10: some, and not all.
    fileprivate static let share = Shape.text(
        "a percentage such as 10%",
        pattern: "^[0-9]{1,2}%$",
        describe: { "\($0)%" }
    ) { (text) throws(ValueFault) in
        let (number, unit) = try Quantity.split(text, example: "10%")
        guard unit == "%" else { throw ValueFault("is no percentage", help: "write it like `10%`") }
        guard (1...99).contains(number) else { throw ValueFault("is out of range", help: "write 1% to 99%") }
        return number
    }
}

extension DeploySettings {
    fileprivate static let shape = Shape<DeploySettings>.mapping(
        DeploySettings(),
        [
            .key(
                "run",
                \.command,
                .command,
                required: true,
                "The program and its first arguments; no shell is in between."
            ),
            .key("timeout", \.timeout, .duration(atLeast: .seconds(1)), "How long one run may take."),
        ]
    )
}

extension CertificateFiles {
    static let shape = Shape<CertificateFiles>.mapping(
        CertificateFiles(certificate: "", key: ""),
        [
            .key(
                "certificate",
                \.certificate,
                .filePath,
                required: true,
                "The chain, the host's own certificate first."
            ).placed(\.certificatePosition),
            .key("key", \.key, .filePath, required: true, "The private key.").placed(\.keyPosition),
        ]
    )
}

extension Shape where Value == HostPattern {
    /// A name in a certificate: one or those below a domain, or an address; not every name there is.
    fileprivate static let coveredName = Shape.text("a host name or an address", describe: \.description) {
        (text) throws(ValueFault) in
        if let address = IPAddress(text) { return .exact("\(address)") }
        let pattern = try HostPattern(text: text)
        guard pattern != .any else {
            throw ValueFault("covers every name, as no certificate does", help: "write the names, or `*.example.com`")
        }
        return pattern
    }
}
