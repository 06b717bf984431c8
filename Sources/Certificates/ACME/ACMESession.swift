package import Linux
package import OpenSSL
import Site

/// A conversation with one ACME server in the name of one account (RFC 8555). For one thread.
package final class ACMESession {
    /// Where the server wants what (section 7.1.1).
    package struct Directory: Sendable {
        package let newNonce: String
        package let newAccount: String
        package let newOrder: String
        package let revokeCert: String?
        package let keyChange: String?
        /// Where it tells when certificates are to be renewed (RFC 9773, section 4.1).
        package let renewalInfo: String?
        /// The kinds of certificates that it offers.
        package let profiles: [String]
        package let requiresBinding: Bool
        /// How CAA records call it; none when it does not say.
        package let caaIdentities: [String]
    }

    /// Tries of one request whose nonce is refused: section 6.5 says to try again, not for how long. A CA that refuses every
    /// other one, as Pebble does, fails one request in a million by it.
    private static let mostTries = 20

    private let directoryURL: String
    private let transport: any ACMETransport
    /// The account's.
    internal let key: PrivateKey
    private let envelope: JSONWebSignature
    private let now: () -> Int64
    private var known: Directory?
    /// Nonces that came with answers and were not used yet.
    private var nonces: [String] = []
    /// The account's URL, once it is known.
    package private(set) var account: String?
    /// The server has told the account's URL, or done something in its name.
    internal private(set) var isConfirmed = false
    /// The mail addresses that it was told in this conversation; nil when it was told none.
    package private(set) var toldContact: [String]?
    /// Where it is asked to take certificates back, once that is known.
    internal var revocationURL: String? { known?.revokeCert }

    /// - Parameters:
    ///   - key: the account's, on P-256.
    ///   - account: its URL, when the key has been registered before.
    ///   - now: seconds since 1970.
    package init(
        directory: String,
        transport: any ACMETransport,
        key: PrivateKey,
        account: String?,
        now: @escaping () -> Int64
    ) {
        directoryURL = directory
        self.transport = transport
        self.key = key
        envelope = JSONWebSignature(key: key)
        self.account = account
        self.now = now
    }

    /// Makes sure that there is an account: finds the key's, or makes one, and agrees to the terms.
    ///
    /// - Parameters:
    ///   - contact: mail addresses.
    ///   - binding: the CA's name for whoever asks, and its HMAC key, where the CA asks for them.
    ///   - isKnown: the key may have an account already, whose URL was lost: it is asked for first, which needs no binding
    ///     and changes nothing (section 7.3.1).
    package func register(
        contact: [String],
        binding: (identifier: String, secret: SecretBytes)? = nil,
        isKnown: Bool = false
    ) throws(ACMEProblem) {
        guard account == nil else { return }
        if isKnown, try find() { return }
        let directory = try directory()
        var members: [JSONValue.Member] = [
            .init("termsOfServiceAgreed", .boolean(true)),
            .init("contact", Self.addresses(contact)),
        ]
        if let binding {
            do throws(OpenSSLError) {
                let proof = try envelope.binding(
                    to: binding.identifier,
                    secret: binding.secret.bytes,
                    url: directory.newAccount
                )
                members.append(.init("externalAccountBinding", proof))
            } catch {
                throw .library("\(error)")
            }
        } else if directory.requiresBinding {
            throw .refused(
                url: directory.newAccount,
                status: 0,
                type: "externalAccountRequired",
                detail: "this CA opens accounts only to those it knows: it gives a key identifier and an HMAC key, "
                    + "which go into `binding`"
            )
        }
        try adopt(members)
        toldContact = contact
    }

    private static func addresses(_ contact: [String]) -> JSONValue {
        .strings(contact.map { $0.hasPrefix("mailto:") ? $0 : "mailto:\($0)" })
    }

    /// Gives the account other mail addresses (section 7.3.2).
    package func update(contact: [String]) throws(ACMEProblem) {
        let payload = JSONValue.object([.init("contact", Self.addresses(contact))]).line
        _ = try post(payload, to: account ?? directoryURL)
        toldContact = contact
    }

    /// Asks for the account of the key (section 7.3.1).
    ///
    /// - Returns: whether there is one.
    package func find() throws(ACMEProblem) -> Bool {
        do throws(ACMEProblem) {
            try adopt([.init("onlyReturnExisting", .boolean(true))])
            return true
        } catch .refused(_, _, "accountDoesNotExist", _, _) {
            return false
        }
    }

    private func adopt(_ members: [JSONValue.Member]) throws(ACMEProblem) {
        let url = try directory().newAccount
        let answer: ACMEResponse
        do throws(ACMEProblem) {
            answer = try post(JSONValue.object(members).line, to: url, as: .key)
        } catch .rateLimited(let detail, let seconds, _) {
            throw .rateLimited(detail: detail, seconds: seconds, isForAll: true)
        }
        // Section 7.1.2: of those that are no more some servers tell.
        if let standing = answer.json?["status"]?.text, ["deactivated", "revoked"].contains(standing) {
            throw .refused(url: url, status: answer.status, type: "unauthorized", detail: "the account is \(standing)")
        }
        guard let location = answer.fields["location"], !location.isEmpty else {
            throw .malformed(url: url, why: "an account without a URL")
        }
        account = location
        isConfirmed = true
    }

    /// Has the account answer to another key from now on (section 7.3.5). This object is of no more use then.
    package func change(to key: PrivateKey) throws(ACMEProblem) {
        guard let url = try directory().keyChange else {
            throw .malformed(url: directoryURL, why: "it changes no account's key")
        }
        let payload: String
        do throws(OpenSSLError) {
            payload = try JSONWebSignature(key: key).takeover(of: account ?? "", from: envelope, url: url)
        } catch {
            throw .library("\(error)")
        }
        _ = try post(payload, to: url)
    }

    /// Revokes a certificate, in the account's name, or in that of the certificate's own key (section 7.6). One that is
    /// revoked already is no failure.
    ///
    /// - Parameters:
    ///   - der: the certificate.
    ///   - key: its key, to sign with in place of the account's; nil for the account's.
    package func revoke(
        _ der: [UInt8],
        _ reason: RevocationReason,
        with key: PrivateKey? = nil
    ) throws(ACMEProblem) {
        guard let url = try directory().revokeCert else {
            throw .malformed(url: directoryURL, why: "it revokes no certificates")
        }
        let payload = JSONValue.object([
            .init("certificate", .string(Base64URL.encode(der))), .init("reason", .integer(reason.code)),
        ]).line
        do throws(ACMEProblem) {
            if let key {
                _ = try post(payload, to: url, as: .key, in: JSONWebSignature(key: key))
            } else {
                _ = try post(payload, to: url)
            }
        } catch .refused(_, _, "alreadyRevoked", _, _) {
            return
        }
    }

    /// A document that anybody may read.
    package func get(_ url: String) throws(ACMEProblem) -> ACMEResponse {
        let answer = try send(ACMERequest(.get, url))
        guard answer.status == 200 else { throw Self.problem(answer, url, now: now()) }
        return answer
    }

    /// The answer to a token, for the CA to find.
    package func keyAuthorization(_ token: String) throws(ACMEProblem) -> String {
        do throws(OpenSSLError) {
            return try envelope.keyAuthorization(token)
        } catch {
            throw .library("\(error)")
        }
    }

    /// A POST in the account's name; an empty payload is a POST-as-GET.
    ///
    /// - Throws: `refused` for whatever is not a 2xx, `rateLimited` for those that say when to come back.
    package func post(_ payload: String, to url: String) throws(ACMEProblem) -> ACMEResponse {
        guard let account else {
            throw .refused(url: url, status: 0, type: "accountDoesNotExist", detail: "there is no account yet")
        }
        let answer = try post(payload, to: url, as: .account(account))
        isConfirmed = true
        return answer
    }

    /// Forgets the account, which the server does not know as it is kept: the next `register` finds it, or makes it again.
    package func forgetAccount() { account = nil }

    private func post(
        _ payload: String,
        to url: String,
        as signer: JSONWebSignature.Signer,
        in other: JSONWebSignature? = nil
    ) throws(ACMEProblem) -> ACMEResponse {
        var tries = 0
        while true {
            tries += 1
            let body: String
            let nonce = try nonce()
            do throws(OpenSSLError) {
                body = try (other ?? envelope).body(payload, to: url, nonce: nonce, as: signer)
            } catch {
                throw .library("\(error)")
            }
            let answer = try send(ACMERequest(.post, url, body: body))
            if (200...299).contains(answer.status) { return answer }
            let problem = Self.problem(answer, url, now: now())
            if case .refused(_, _, "badNonce", _, _) = problem, tries < Self.mostTries { continue }
            throw problem
        }
    }

    private func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
        let answer = try transport.send(request)
        if let nonce = answer.fields["replay-nonce"], Base64URL.decode(nonce) != nil { nonces.append(nonce) }
        return answer
    }

    private func nonce() throws(ACMEProblem) -> String {
        if let nonce = nonces.popLast() { return nonce }
        let url = try directory().newNonce
        let answer = try send(ACMERequest(.head, url))
        guard (200...299).contains(answer.status) else { throw Self.problem(answer, url, isForAll: true, now: now()) }
        guard let nonce = nonces.popLast() else { throw .malformed(url: url, why: "no Replay-Nonce") }
        return nonce
    }

    package func directory() throws(ACMEProblem) -> Directory {
        if let known { return known }
        let answer = try send(ACMERequest(.get, directoryURL))
        guard answer.status == 200 else { throw Self.problem(answer, directoryURL, isForAll: true, now: now()) }
        guard let json = answer.json, let newNonce = json["newNonce"]?.text, let newAccount = json["newAccount"]?.text,
            let newOrder = json["newOrder"]?.text
        else { throw .malformed(url: directoryURL, why: "no directory of ACME's") }
        let directory = Directory(
            newNonce: newNonce,
            newAccount: newAccount,
            newOrder: newOrder,
            revokeCert: json["revokeCert"]?.text,
            keyChange: json["keyChange"]?.text,
            renewalInfo: json["renewalInfo"]?.text,
            profiles: json["meta"]?["profiles"]?.names ?? [],
            requiresBinding: json["meta"]?["externalAccountRequired"]?.boolean ?? false,
            caaIdentities: json["meta"]?["caaIdentities"]?.items.compactMap(\.text) ?? []
        )
        known = directory
        return directory
    }

    /// What a refusal says (section 6.7).
    ///
    /// - Parameter isForAll: what was asked has nothing to do with one order's names.
    package static func problem(
        _ answer: ACMEResponse,
        _ url: String,
        isForAll: Bool = false,
        now: Int64
    ) -> ACMEProblem {
        let document = ProblemDocument(answer.json)
        let type = document.type ?? "about:blank"
        var detail = document.detail ?? ""
        let pause = answer.retryAfter(now: now)
        if type == "rateLimited" || answer.status == 429 || (answer.status == 503 && pause != nil) {
            // 503: the server as a whole is too busy.
            return .rateLimited(detail: detail, seconds: pause ?? 3_600, isForAll: isForAll || answer.status == 503)
        }
        if type == "userActionRequired" {
            // Only a person can do what it waits for, as to agree to other terms (section 7.3.3).
            let terms = answer.links("terms-of-service").first.map { "the terms are \($0)" }
            let place = document.instance.map { "\($0) says what is to be done" }
            detail = [detail, terms ?? "", place ?? ""].filter { !$0.isEmpty }.joined(separator: "; ")
        }
        return .refused(url: url, status: answer.status, type: type, detail: detail, names: document.names)
    }
}

extension JSONValue {
    /// The names of an object's members; none when this is no object.
    fileprivate var names: [String] {
        if case .object(let members) = self { members.map(\.name) } else { [] }
    }
}
