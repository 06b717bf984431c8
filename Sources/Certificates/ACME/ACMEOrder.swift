package import OpenSSL
import Site

/// One order of a certificate (RFC 8555, section 7.4), from the names to the chain. For one thread; blocks it.
package struct ACMEOrder {
    /// How long one step of the CA may take, in seconds.
    private static let patience: Int64 = 300
    /// The shortest pause between two looks, in seconds, whatever the CA says.
    private static let shortestPause: Int64 = 1
    /// The pause grows by a second after so many looks.
    private static let looks: Int64 = 5

    internal let session: ACMESession
    private let solvers: [any ACMEChallengeSolver]
    internal let now: () -> Int64
    private let uptime: () -> Int64
    private let pause: (Int64) -> Void

    /// - Parameters:
    ///   - session: with an account.
    ///   - solvers: what can be answered, the most wanted first.
    ///   - now: seconds since 1970.
    ///   - uptime: seconds by a clock that nobody sets.
    ///   - pause: waits for so many seconds.
    package init(
        _ session: ACMESession,
        solvers: [any ACMEChallengeSolver],
        now: @escaping () -> Int64,
        uptime: @escaping () -> Int64,
        pause: @escaping (Int64) -> Void
    ) {
        self.session = session
        self.solvers = solvers
        self.now = now
        self.uptime = uptime
        self.pause = pause
    }

    /// What is asked for besides names and key.
    package struct Wishes: Sendable {
        /// One of the CA's profiles; nil for its usual one.
        package var profile: String?
        /// The common name of the issuer at the top of the chain; nil for the chain that the CA prefers.
        package var chain: String?
        /// The identifier of the certificate that this one takes the place of (RFC 9773, section 5).
        package var replaces: String?

        package init() {}
    }

    /// Orders a certificate for `names`.
    ///
    /// - Parameters:
    ///   - key: what is to be certified; never the account's.
    ///   - began: told where the CA says how the order stands, once it has taken it (`resume`).
    /// - Returns: the chain, checked against the key and the names.
    package func run(
        names: [String],
        key: PrivateKey,
        _ wishes: Wishes = Wishes(),
        began: (String) -> Void = { _ in }
    ) throws(ACMEProblem) -> CertificateBundle {
        // Twice the same name is one to every CA.
        let names = Array(Set(names)).sorted()
        let opened = try open(names, wishes)
        guard let location = opened.fields["location"], let order = opened.json else {
            throw .malformed(url: try session.directory().newOrder, why: "an order without a URL")
        }
        began(location)
        return try complete(order, location, names, key, chain: wishes.chain)
    }

    /// Goes on with an order, wherever it stands.
    ///
    /// - Parameters:
    ///   - chain: as in `Wishes`.
    ///   - obstacle: thrown where the CA is yet to see that the names are ours: it would not.
    /// - Returns: as `run`; nil where the CA knows it no more, or has given it up.
    package func resume(
        _ kept: PendingOrder,
        chain: String?,
        obstacle: ACMEProblem? = nil
    ) throws(ACMEProblem) -> CertificateBundle? {
        let order: JSONValue
        do throws(ACMEProblem) {
            order = try document(at: kept.url)
        } catch {
            guard case .refused(_, let status, let type, _, _) = error, (400...499).contains(status),
                type != "accountDoesNotExist"
            else { throw error }
            return nil
        }
        if order["status"]?.text == "invalid" { return nil }
        if let obstacle, Self.isUnproven(order) { throw obstacle }
        return try complete(order, kept.url, kept.names.sorted(), kept.key, chain: chain)
    }

    private func complete(
        _ order: JSONValue,
        _ location: String,
        _ names: [String],
        _ key: PrivateKey,
        chain: String?
    ) throws(ACMEProblem) -> CertificateBundle {
        if Self.isUnproven(order) {
            try authorize(order["authorizations"]?.items.compactMap(\.text) ?? [], names)
        }
        let certificate = try finalize(location, names, key)
        return try bundle(certificate, names, key, chain: chain)
    }

    /// Whether the CA is yet to see that the names are ours: of an order that is ready, or further, it knows of all.
    private static func isUnproven(_ order: JSONValue) -> Bool { order["status"]?.text ?? "pending" == "pending" }

    // MARK: The order

    private func open(_ names: [String], _ wishes: Wishes) throws(ACMEProblem) -> ACMEResponse {
        let directory = try session.directory()
        // Addresses are identifiers of their own kind (RFC 8738).
        let identifiers = names.map { name in
            JSONValue.object([
                .init("type", .string(IPAddress(name) == nil ? "dns" : "ip")), .init("value", .string(name)),
            ])
        }
        var members = [JSONValue.Member("identifiers", .array(identifiers))]
        if let profile = wishes.profile {
            guard directory.profiles.contains(profile) else {
                let offered = directory.profiles.joined(separator: ", ")
                throw .refused(
                    url: directory.newOrder,
                    status: 0,
                    type: "invalidProfile",
                    detail: "there is no profile \(profile); the CA has \(offered.isEmpty ? "none" : offered)"
                )
            }
            members.append(.init("profile", .string(profile)))
        }
        let plain = JSONValue.object(members).line
        guard let replaced = wishes.replaces, directory.renewalInfo != nil else {
            return try session.post(plain, to: directory.newOrder)
        }
        do throws(ACMEProblem) {
            let payload = JSONValue.object(members + [.init("replaces", .string(replaced))]).line
            return try session.post(payload, to: directory.newOrder)
        } catch {
            // Whatever may come from `replaces` must not keep a certificate from being renewed.
            guard case .refused(_, _, let type, _, let names) = error, names.isEmpty, !Self.unrelated.contains(type)
            else { throw error }
            return try session.post(plain, to: directory.newOrder)
        }
    }

    /// Refusals that say the same without `replaces`.
    private static let unrelated: Set = [
        "accountDoesNotExist", "userActionRequired", "rejectedIdentifier", "unsupportedIdentifier", "invalidProfile",
    ]

    // MARK: Authorizations

    /// An authorization that waits for an answer.
    private struct Pending {
        let url: String
        /// Where the CA is told that the answer can be seen; nil when it looks already.
        let target: String?
        let challenge: ACMEChallenge
        let solver: any ACMEChallengeSolver
    }

    /// Answers for all names at once: the gateway, and the DNS, are brought up to date once. All names that fail are
    /// told, not the first alone.
    private func authorize(_ urls: [String], _ names: [String]) throws(ACMEProblem) {
        let own = Set(names.map(\.withoutWildcard))
        var pending: [Pending] = []
        var failures: [Unproven] = []
        for url in urls {
            let authorization = try document(at: url)
            // It names files and records: a CA's word alone is not enough.
            guard let name = authorization["identifier"]?["value"]?.text?.lowercased(), own.contains(name) else {
                throw .malformed(url: url, why: "an authorization for a name that was not asked for")
            }
            do throws(ACMEProblem) {
                if let next = try self.pending(authorization, url, name) { pending.append(next) }
            } catch .challenge(let name, let why) {
                failures.append(Unproven(name: name, why: why))
            }
        }
        var presented: [Pending] = []
        defer { for next in presented { next.solver.withdraw(next.challenge) } }
        for next in pending {
            presented.append(next)
            do throws(ACMEProblem) {
                try next.solver.present(next.challenge)
            } catch .challenge(let name, let why) {
                failures.append(Unproven(name: name, why: why))
                presented.removeLast()
                next.solver.withdraw(next.challenge)
            }
        }
        for solver in solvers where presented.contains(where: { $0.solver === solver }) { try solver.settle() }
        for next in presented {
            guard let target = next.target else { continue }
            _ = try session.post("{}", to: target)
        }
        for next in presented {
            let outcome = try poll(next.url, until: Self.ends, for: next.challenge.name)
            if outcome["status"]?.text == "valid" { continue }
            failures.append(Unproven(name: next.challenge.name, why: Self.words(outcome)))
        }
        if failures.count > 1 { throw .challenges(failures) }
        if let only = failures.first { throw .challenge(name: only.name, why: only.why) }
    }

    private static let ends: Set = ["valid", "invalid", "deactivated", "expired", "revoked"]

    /// What there is to answer; nil when the name is known to be ours already.
    private func pending(
        _ authorization: JSONValue,
        _ url: String,
        _ name: String
    ) throws(ACMEProblem) -> Pending? {
        switch authorization["status"]?.text {
        case "valid": return nil
        case "pending": break
        default: throw .challenge(name: name, why: Self.words(authorization))
        }
        let offered = authorization["challenges"]?.items ?? []
        guard let solver = solvers.first(where: { solver in offered.contains { $0["type"]?.text == solver.type } }),
            let challenge = offered.first(where: { $0["type"]?.text == solver.type }),
            let target = challenge["url"]?.text, let token = challenge["token"]?.text
        else {
            let types = offered.compactMap { $0["type"]?.text }.joined(separator: ", ")
            let ours = solvers.map(\.type).joined(separator: ", ")
            throw .challenge(
                name: name,
                why: "the CA offers \(types.isEmpty ? "no challenge" : types), and "
                    + "\(ours.isEmpty ? "none" : "only \(ours)") can be answered here"
            )
        }
        guard ACMEChallenge.isToken(token) else {
            throw .challenge(name: name, why: "the CA's token for \(solver.type) is no base64url: \(token)")
        }
        return Pending(
            url: url,
            // One that the CA looks at already is not offered again.
            target: challenge["status"]?.text == "pending" ? target : nil,
            challenge: ACMEChallenge(
                name: name,
                token: token,
                keyAuthorization: try session.keyAuthorization(token)
            ),
            solver: solver
        )
    }

    /// What the CA says of challenges that failed.
    private static func words(_ authorization: JSONValue) -> String {
        let errors = (authorization["challenges"]?.items ?? []).compactMap { $0["error"]?["detail"]?.text }
        guard errors.isEmpty else { return errors.joined(separator: "; ") }
        return "the authorization is \(authorization["status"]?.text ?? "-")"
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
        let end = uptime() + Self.patience
        var looks: Int64 = 0
        while uptime() < end {
            let order = try poll(location, until: ["ready", "valid", "invalid"], for: "the order")
            guard order["status"]?.text == "ready", let finalize = order["finalize"]?.text else {
                return try certificate(order)
            }
            do throws(ACMEProblem) {
                let taken = try session.post(payload, to: finalize)
                // Asked for once: an order may be shown as ready for a while yet.
                let made = try poll(location, until: ["valid", "invalid"], for: "the certificate", after: taken)
                return try certificate(made)
            } catch .refused(_, _, "orderNotReady", _, _) {
                looks += 1
                pause(Self.usualPause(after: looks))
            }
        }
        throw .late(what: "the certificate")
    }

    /// The URL of the certificate of an order that has come to its end.
    private func certificate(_ order: JSONValue) throws(ACMEProblem) -> String {
        if order["status"]?.text == "valid", let certificate = order["certificate"]?.text { return certificate }
        let document = ProblemDocument(order["error"])
        throw .abandoned(why: document.detail ?? "it is \(order["status"]?.text ?? "-")", names: document.names)
    }

    // MARK: Waiting

    private func document(at url: String) throws(ACMEProblem) -> JSONValue {
        guard let json = try session.post("", to: url).json else { throw .malformed(url: url, why: "no JSON") }
        return json
    }

    /// - Parameter earlier: an answer that may say when to look first; nil for at once.
    private func poll(
        _ url: String,
        until ends: Set<String>,
        for what: String,
        after earlier: ACMEResponse? = nil
    ) throws(ACMEProblem) -> JSONValue {
        let end = uptime() + Self.patience
        if let wait = earlier?.retryAfter(now: now()), wait > 0 { pause(min(wait, Self.patience)) }
        var looks: Int64 = 0
        while true {
            let answer = try session.post("", to: url)
            guard let json = answer.json, let status = json["status"]?.text else {
                throw .malformed(url: url, why: "no status")
            }
            if ends.contains(status) { return json }
            looks += 1
            let wait = answer.retryAfter(now: now()) ?? Self.usualPause(after: looks)
            let left = end - uptime()
            guard left > 0 else { throw .late(what: what) }
            // A CA that wants more than is left is looked at once more, at the end.
            pause(min(max(wait, Self.shortestPause), left))
        }
    }

    /// Seconds between two looks where the CA says nothing of it.
    private static func usualPause(after looks: Int64) -> Int64 { shortestPause + looks / Self.looks }
}
