/// One challenge of a CA that is to be answered (RFC 8555, section 8).
package struct ACMEChallenge: Sendable, Equatable {
    /// What is to be certified, without the `*.` of a wildcard: a DNS name or an IP address.
    package let name: String
    /// 128 bits and more of base64url, which may become the name of a file.
    package let token: String
    /// The token with the account's thumbprint (section 8.1).
    package let keyAuthorization: String

    package init(name: String, token: String, keyAuthorization: String) {
        self.name = name
        self.token = token
        self.keyAuthorization = keyAuthorization
    }

    internal static func isToken(_ text: String) -> Bool {
        (20...200).contains(text.utf8.count) && text.utf8.allSatisfy { Base64URL.alphabet.contains($0) }
    }
}

/// Answers the challenges of one type: puts what a CA looks for where it looks.
///
/// An order presents all its answers, then settles once, has the CA look, and withdraws them all.
package protocol ACMEChallengeSolver: AnyObject {
    /// `http-01`, for instance.
    var type: String { get }

    func present(_ challenge: ACMEChallenge) throws(ACMEProblem)

    /// Returns when all that was presented can be seen.
    func settle() throws(ACMEProblem)

    /// Takes an answer away again; also one that was never there.
    func withdraw(_ challenge: ACMEChallenge)
}
