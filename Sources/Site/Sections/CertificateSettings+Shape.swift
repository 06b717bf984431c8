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
            ),
            .key(
                "issuer",
                \.issuer,
                .either(word: .constant("internal", .internal), mapping: IssuerKeys.shape),
                required: true,
                "Where it comes from: internal (the site's own CA), a CA that speaks ACME, or PEM files."
            ),
            .key("key", \.key, .word, "The kind of key to make."),
        ]
    ).placed(\.position).named(\.name).checked { certificate, node, decoding in
        guard case .files = certificate.issuer, let key = node["key"] else { return }
        decoding.collector.report(
            .ineffective,
            .warning,
            at: key.range,
            "`key` has no meaning for a certificate from files",
            help: "remove it; the files hold the key"
        )
    }
}

/// The keys of `issuer` before it is known which of the forms it is.
private struct IssuerKeys {
    var acme: String?
    var contact: [String] = []
    var trust: String?
    var files: [CertificateFiles] = []

    static let shape = Shape<IssuerKeys>.mapping(
        IssuerKeys(),
        [
            .key("acme", \.acme, .acmeDirectory, "The URL of an ACME server's directory."),
            .key("contact", \.contact, .oneOrMore(of: .mailAddress), "Mail addresses for the ACME server."),
            .key("trust", \.trust, .filePath, "PEM of whom to trust in HTTPS. Default: the machine's authorities."),
            .key(
                "files",
                \.files,
                .oneOrMore(of: CertificateFiles.shape),
                "Pairs of PEM files, one for each kind of key."
            ),
        ],
        exactlyOneOf: [["acme", "files"]]
    ).map { keys, node, decoding -> CertificateSettings.Issuer? in
        if let directory = keys.acme {
            var settings = ACMESettings(directory: directory)
            settings.contact = keys.contact
            settings.trust = keys.trust
            return .acme(settings)
        }
        for key in ["contact", "trust"] {
            guard let alien = node[key] else { continue }
            decoding.collector.report(.conflict, at: alien.range, "`\(key)` belongs to `acme`", help: "remove it")
        }
        return .files(keys.files)
    }
}

extension CertificateFiles {
    fileprivate static let shape = Shape<CertificateFiles>.mapping(
        CertificateFiles(certificate: "", key: ""),
        [
            .key(
                "certificate",
                \.certificate,
                .filePath,
                required: true,
                "The chain, the host's own certificate first."
            ),
            .key("key", \.key, .filePath, required: true, "The private key."),
        ]
    )
}

extension Shape where Value == HostPattern {
    /// A name in a certificate: not every name there is.
    fileprivate static let coveredName = hostPattern.map(
        { pattern, node, decoding -> HostPattern? in
            guard pattern != .any else {
                decoding.invalid(node, "no certificate covers every name", help: "write the names, or `*.example.com`")
                return nil
            }
            return pattern
        },
        encode: { .string($0.description) }
    )
}

extension Shape where Value == String {
    /// RFC 8555, section 6.1: HTTPS only.
    fileprivate static let acmeDirectory = Shape.text("a URL", pattern: "^https://", describe: { $0 }) {
        (text) throws(ValueFault) in
        guard text.hasPrefix("https://"), text.utf8.count > 8, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw ValueFault("is no https URL", help: "write it like `https://acme.example/directory`")
        }
        return text
    }

    fileprivate static let mailAddress = Shape.text("a mail address", describe: { $0 }) { (text) throws(ValueFault) in
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw ValueFault("is no mail address", help: "write it like `admin@example.com`") }
        return text
    }
}
