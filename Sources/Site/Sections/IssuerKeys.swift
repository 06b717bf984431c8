/// The keys of `issuer` before it is known which of the forms it is, and whether they fit each other.
struct IssuerKeys {
    var acme: String?
    var contact: [String] = []
    var trust: String?
    var challenges: [ACMESettings.Challenge]?
    var dns: DNSHookSettings?
    var binding: ACMEBinding?
    var profile: String?
    var chain: String?
    var timeout = ACMESettings.usualTimeout
    var fallback: [ACMESettings] = []
    var files: [CertificateFiles] = []

    static let shape = Shape<IssuerKeys>.mapping(
        IssuerKeys(),
        acmeKeys + [
            .key(
                "fallback",
                \.fallback,
                .oneOrMore(of: fallbackShape),
                "ACME servers to ask when this one gives no certificate."
            ),
            .key(
                "files",
                \.files,
                .oneOrMore(of: CertificateFiles.shape),
                "Pairs of PEM files, one for each kind of key."
            ),
        ],
        exactlyOneOf: [["acme", "files"]]
    ).map { keys, node, decoding -> CertificateSettings.Issuer? in
        if keys.acme != nil { return keys.settings(node, &decoding).map { .acme($0) } }
        for key in acmeKeys.map(\.name) + ["fallback"] {
            guard let alien = node[key] else { continue }
            decoding.collector.report(.conflict, at: alien.range, "`\(key)` belongs to `acme`", help: "remove it")
        }
        return .files(keys.files)
    }

    private static let acmeKeys: [Key<IssuerKeys>] = [
        .key("acme", \.acme, .acmeDirectory, "The URL of an ACME server's directory."),
        .key("contact", \.contact, .oneOrMore(of: .mailAddress), "Mail addresses for the ACME server."),
        .key("trust", \.trust, .filePath, "PEM of whom to trust in HTTPS. Default: the machine's authorities."),
        .key(
            "challenges",
            \.challenges,
            .oneOrMore(of: .word),
            "How the ACME server is shown that the names are ours, the most wanted first."
        ),
        .key("dns", \.dns, DNSHookSettings.shape, "The program that answers dns-01."),
        .key("binding", \.binding, ACMEBinding.shape, "The external account that the ACME server asks for."),
        .key(
            "profile",
            \.profile,
            .plainText("a profile"),
            "What kind of certificate, of those that the ACME server offers."
        ),
        .key(
            "chain",
            \.chain,
            .plainText("a common name"),
            "The issuer at the top of the wanted chain, where the ACME server gives several."
        ),
        .key(
            "timeout",
            \.timeout,
            .duration(atLeast: .seconds(1)),
            "How long the ACME server may take for one answer."
        ),
    ]

    /// Another CA, with all that is said of one.
    private static let fallbackShape = Shape<IssuerKeys>.mapping(
        IssuerKeys(),
        acmeKeys,
        exactlyOneOf: [["acme"]]
    ).map { keys, node, decoding -> ACMESettings? in keys.settings(node, &decoding) }

    /// What they say of a CA; nil, and a report, when they contradict each other.
    private func settings(_ node: Node, _ decoding: inout Decoding) -> ACMESettings? {
        guard let acme else { return nil }
        var settings = ACMESettings(directory: acme)
        settings.contact = contact
        settings.trust = trust
        settings.dns = dns
        settings.binding = binding
        settings.profile = profile
        settings.chain = chain
        settings.timeout = timeout
        settings.fallback = fallback
        settings.challenges = challenges ?? (dns == nil ? settings.challenges : [.dns01])
        let wantsDNS = settings.challenges.contains(.dns01)
        if wantsDNS, dns == nil, let key = node["challenges"] {
            decoding.collector.report(
                .conflict,
                at: key.range,
                "`dns-01` needs a program that makes records",
                help: "add `dns: { run: /path/of/program }`"
            )
            return nil
        }
        if !wantsDNS, let key = node["dns"] {
            decoding.collector.report(
                .conflict,
                at: key.range,
                "`dns` answers dns-01, which `challenges` leaves out",
                help: "add `dns-01` to `challenges`, or remove `dns`"
            )
            return nil
        }
        return settings
    }
}

extension ACMEBinding {
    fileprivate static let shape = Shape<ACMEBinding>.mapping(
        ACMEBinding(),
        [
            .key(
                "key-id",
                \.identifier,
                .plainText("a key identifier"),
                required: true,
                "The CA's name for the account."
            ),
            .key(
                "key-file",
                \.keyFile,
                .filePath,
                required: true,
                "A file with the HMAC key, in base64url, for its owner alone."
            ),
        ]
    )
}

extension DNSHookSettings {
    fileprivate static let shape = Shape<DNSHookSettings>.mapping(
        DNSHookSettings(),
        [
            .key(
                "run",
                \.command,
                .command,
                required: true,
                "The program and its first arguments; no shell is in between."
            ),
            .key("timeout", \.timeout, .duration(atLeast: .seconds(1)), "How long one run may take."),
            .key(
                "wait",
                \.wait,
                .duration(atLeast: .zero),
                "How long the DNS takes to show a record, after the program has ended."
            ),
        ]
    )
}

extension Shape where Value == [String] {
    /// A program, resolved against the directory of the site file, and arguments.
    static let command = Shape.oneOrMore(of: .plainText("a program or an argument")).map(
        { words, _, decoding in words.first.map { [decoding.resolve($0)] + words.dropFirst() } },
        encode: { .strings($0) }
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
