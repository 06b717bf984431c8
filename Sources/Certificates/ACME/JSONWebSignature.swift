package import OpenSSL
package import Site

/// ACME's envelope for a request (RFC 8555, section 6.2): a flattened JSON Web Signature (RFC 7515) with the
/// algorithm of its key.
package struct JSONWebSignature {
    /// Who signs.
    package enum Signer: Equatable, Sendable {
        /// The key itself: for a new account.
        case key
        /// The URL of the account.
        case account(String)
    }

    private let key: PrivateKey

    /// - Parameter key: ECDSA on P-256 or P-384, or RSA.
    package init(key: PrivateKey) {
        self.key = key
    }

    /// The body of a POST.
    ///
    /// - Parameters:
    ///   - payload: JSON; empty for a POST-as-GET (section 6.3).
    ///   - url: the request's, to the byte.
    package func body(
        _ payload: String,
        to url: String,
        nonce: String,
        as signer: Signer
    ) throws(OpenSSLError) -> String {
        let identity: JSONValue.Member =
            switch signer {
            case .key: .init("jwk", try publicKey())
            case .account(let location): .init("kid", .string(location))
            }
        return try sign(
            payload,
            header: [algorithm, .init("nonce", .string(nonce)), .init("url", .string(url)), identity]
        ).line
    }

    /// What this key says when it takes the place of an account's key (RFC 8555, section 7.3.5).
    package func takeover(of account: String, from old: JSONWebSignature, url: String) throws(OpenSSLError) -> String {
        let payload = JSONValue.object([.init("account", .string(account)), .init("oldKey", try old.publicKey())])
        return try sign(
            payload.line,
            header: [algorithm, .init("jwk", try publicKey()), .init("url", .string(url))]
        ).line
    }

    private var algorithm: JSONValue.Member { .init("alg", .string(key.signatureAlgorithm ?? "none")) }

    private func sign(_ payload: String, header: [JSONValue.Member]) throws(OpenSSLError) -> JSONValue {
        let protected = Base64URL.encode(JSONValue.object(header).line)
        let content = Base64URL.encode(payload)
        let signature = try key.jsonSignature(of: Array("\(protected).\(content)".utf8))
        return JSONValue.object([
            .init("protected", .string(protected)),
            .init("payload", .string(content)),
            .init("signature", .string(Base64URL.encode(signature))),
        ])
    }

    /// The public half as a JSON Web Key, its members in the order of RFC 7638.
    package func publicKey() throws(OpenSSLError) -> JSONValue {
        if key.algorithm == .rsa {
            let numbers = try key.publicNumbers()
            return .object([
                .init("e", .string(Base64URL.encode(numbers.exponent))),
                .init("kty", .string("RSA")),
                .init("n", .string(Base64URL.encode(numbers.modulus))),
            ])
        }
        let point = try key.publicPoint()
        return .object([
            .init("crv", .string(key.kind == .ecdsaP384 ? "P-384" : "P-256")),
            .init("kty", .string("EC")),
            .init("x", .string(Base64URL.encode(point.x))),
            .init("y", .string(Base64URL.encode(point.y))),
        ])
    }

    /// What proves to a CA that a token was seen by the account's key (RFC 8555, section 8.1).
    package func keyAuthorization(_ token: String) throws(OpenSSLError) -> String {
        "\(token).\(Base64URL.encode(Fingerprint.digest(Array(try publicKey().line.utf8))))"
    }

    /// The binding of an account to one that the CA knows otherwise (RFC 8555, section 7.3.4).
    ///
    /// - Parameters:
    ///   - identifier: the CA's name for it.
    ///   - secret: the CA's HMAC key, decoded.
    package func binding(
        to identifier: String,
        secret: Span<UInt8>,
        url: String
    ) throws(OpenSSLError) -> JSONValue {
        let header = JSONValue.object([
            .init("alg", .string("HS256")), .init("kid", .string(identifier)), .init("url", .string(url)),
        ])
        let protected = Base64URL.encode(header.line)
        let payload = Base64URL.encode(try publicKey().line)
        let code = try MessageAuthentication.sha256(Array("\(protected).\(payload)".utf8), key: secret)
        return .object([
            .init("protected", .string(protected)),
            .init("payload", .string(payload)),
            .init("signature", .string(Base64URL.encode(code))),
        ])
    }
}
