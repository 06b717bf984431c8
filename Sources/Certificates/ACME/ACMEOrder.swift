package import OpenSSL
import Site

/// Answers a CA's challenges: puts what it looks for where it looks (RFC 8555, section 8).
package protocol ACMEChallengeSolver: AnyObject {
    /// The types that it can answer, the most wanted first: `http-01`.
    var types: [String] { get }

    /// Returns when the answer can be seen.
    ///
    /// - Parameters:
    ///   - name: what is to be certified.
    ///   - answer: the key authorization.
    func present(_ type: String, for name: String, token: String, answer: String) throws(ACMEProblem)

    /// Takes it away again; also what was never there.
    func withdraw(_ type: String, for name: String, token: String)
}

/// One order of a certificate (RFC 8555, section 7.4), from the names to the chain. For one thread; blocks it.
package struct ACMEOrder {
    /// How long one step of the CA may take, in seconds.
    private static let patience: Int64 = 300
    /// The pause between two looks when the CA says nothing of it, and the longest one that is kept to.
    private static let pauses: ClosedRange<Int64> = 1...30

    private let session: ACMESession
    private let solver: any ACMEChallengeSolver
    private let now: () -> Int64
    private let pause: (Int64) -> Void

    /// - Parameters:
    ///   - session: with an account.
    ///   - now: seconds since 1970.
    ///   - pause: waits for so many seconds.
    package init(
        _ session: ACMESession,
        solver: any ACMEChallengeSolver,
        now: @escaping () -> Int64,
        pause: @escaping (Int64) -> Void
    ) {
        self.session = session
        self.solver = solver
        self.now = now
        self.pause = pause
    }

    /// Orders a certificate for `names`.
    ///
    /// - Parameter key: what is to be certified; never the account's.
    /// - Returns: the chain, checked against the key and the names.
    package func run(names: [String], key: PrivateKey) throws(ACMEProblem) -> CertificateBundle {
        // Twice the same name is one to every CA.
        let names = Array(Set(names)).sorted()
        let identifiers = names.map { name in
            JSONValue.object([
                .init("type", .string(name.isAddress ? "ip" : "dns")), .init("value", .string(name)),
            ])
        }
        let url = try session.newOrderURL()
        let opened = try session.post(JSONValue.object([.init("identifiers", .array(identifiers))]).line, to: url)
        guard let location = opened.fields["location"], let order = opened.json else {
            throw .malformed(url: url, why: "an order without a URL")
        }
        for authorization in order["authorizations"]?.items.compactMap(\.text) ?? [] { try authorize(authorization) }
        let certificate = try finalize(location, names, key)
        return try bundle(certificate, names, key)
    }

    // MARK: Authorizations

    private func authorize(_ url: String) throws(ACMEProblem) {
        let authorization = try document(at: url)
        let name = authorization["identifier"]?["value"]?.text ?? "-"
        switch authorization["status"]?.text {
        case "valid": return
        case "pending": break
        default: throw .challenge(name: name, why: Self.words(authorization))
        }
        let offered = authorization["challenges"]?.items ?? []
        guard
            let type = solver.types.first(where: { type in offered.contains { $0["type"]?.text == type } }),
            let challenge = offered.first(where: { $0["type"]?.text == type }), let target = challenge["url"]?.text,
            let token = challenge["token"]?.text, Self.isToken(token)
        else {
            let types = offered.compactMap { $0["type"]?.text }.joined(separator: ", ")
            throw .challenge(
                name: name,
                why: "the CA offers \(types.isEmpty ? "no challenge" : types), and only "
                    + "\(solver.types.joined(separator: ", ")) can be answered here"
            )
        }
        try solver.present(type, for: name, token: token, answer: try session.keyAuthorization(token))
        defer { solver.withdraw(type, for: name, token: token) }
        // One that the CA looks at already is not offered again.
        if challenge["status"]?.text == "pending" { _ = try session.post("{}", to: target) }
        let outcome = try poll(url, until: ["valid", "invalid", "deactivated", "expired", "revoked"], for: name)
        guard outcome["status"]?.text == "valid" else { throw .challenge(name: name, why: Self.words(outcome)) }
    }

    /// What the CA says of challenges that failed.
    private static func words(_ authorization: JSONValue) -> String {
        let errors = (authorization["challenges"]?.items ?? []).compactMap { $0["error"]?["detail"]?.text }
        guard errors.isEmpty else { return errors.joined(separator: "; ") }
        return "the authorization is \(authorization["status"]?.text ?? "-")"
    }

    /// 128 bits and more of base64url (section 8.1), which may become the name of a file.
    private static func isToken(_ text: String) -> Bool {
        (20...200).contains(text.utf8.count) && text.utf8.allSatisfy { Base64URL.alphabet.contains($0) }
    }

    // MARK: The certificate

    /// Asks for the certificate as soon as the order is ready; the URL of it.
    private func finalize(_ location: String, _ names: [String], _ key: PrivateKey) throws(ACMEProblem) -> String {
        let request: [UInt8]
        do throws(OpenSSLError) {
            request = try CertificateRequest.make(names: names, key: key)
        } catch {
            throw .library("\(error)")
        }
        let payload = JSONValue.object([.init("csr", .string(Base64URL.encode(request)))]).line
        let end = now() + Self.patience
        while now() < end {
            let order = try poll(location, until: ["ready", "valid", "invalid"], for: "the order")
            if order["status"]?.text == "valid", let certificate = order["certificate"]?.text { return certificate }
            guard order["status"]?.text == "ready", let finalize = order["finalize"]?.text else {
                throw .challenge(
                    name: names.joined(separator: ", "),
                    why: order["error"]?["detail"]?.text ?? "the order is \(order["status"]?.text ?? "-")"
                )
            }
            do throws(ACMEProblem) {
                _ = try session.post(payload, to: finalize)
            } catch .refused(_, _, "orderNotReady", _) {
                pause(Self.pauses.lowerBound)
                continue
            }
            let done = try poll(location, until: ["valid", "invalid", "ready"], for: "the certificate")
            if let certificate = done["certificate"]?.text { return certificate }
        }
        throw .late(what: "the certificate")
    }

    private func bundle(_ url: String, _ names: [String], _ key: PrivateKey) throws(ACMEProblem) -> CertificateBundle {
        let answer = try session.post("", to: url)
        let bundle: CertificateBundle
        do throws(CertificateError) {
            bundle = try CertificateBundle(chain: try Certificate.load(pem: answer.body.span), key: key)
            try bundle.requireNames()
        } catch {
            throw .malformed(url: url, why: "\(error)")
        }
        guard Set(names.filter { !$0.isAddress }).isSubset(of: bundle.names) else {
            throw .malformed(url: url, why: "a certificate for \(bundle.names.joined(separator: ", ")) only")
        }
        return bundle
    }

    // MARK: Waiting

    private func document(at url: String) throws(ACMEProblem) -> JSONValue {
        guard let json = try session.post("", to: url).json else { throw .malformed(url: url, why: "no JSON") }
        return json
    }

    private func poll(_ url: String, until ends: Set<String>, for what: String) throws(ACMEProblem) -> JSONValue {
        let end = now() + Self.patience
        while true {
            let answer = try session.post("", to: url)
            guard let json = answer.json, let status = json["status"]?.text else {
                throw .malformed(url: url, why: "no status")
            }
            if ends.contains(status) { return json }
            let wait = answer.retryAfter(now: now()) ?? Self.pauses.lowerBound
            guard now() < end else { throw .late(what: what) }
            pause(min(max(wait, Self.pauses.lowerBound), Self.pauses.upperBound))
        }
    }
}

extension String {
    /// Whether it is an IP address rather than a name (RFC 8738).
    fileprivate var isAddress: Bool { IPAddress(self) != nil }
}
