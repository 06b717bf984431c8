import Linux

/// HTTP-01 (RFC 8555, section 8.3), answered by the gateways that share the store.
package final class HTTPChallenge: ACMEChallengeSolver {
    package let types = ["http-01"]
    private let store: CertificateStore
    private let publish: () throws(ACMEProblem) -> Void

    /// - Parameter publish: has the running gateway look at the store; throws when there is none.
    package init(_ store: CertificateStore, publish: @escaping () throws(ACMEProblem) -> Void) {
        self.store = store
        self.publish = publish
    }

    package func present(_ type: String, for name: String, token: String, answer: String) throws(ACMEProblem) {
        let bytes = Array(answer.utf8)
        do throws(FileError) {
            try FileWriting.createFolder(store.challengeFolder)
            try FileWriting.replace("\(store.challengeFolder)/\(token)", with: bytes.span, mode: 0o600)
        } catch {
            throw .challenge(name: name, why: "\(error)")
        }
        try publish()
    }

    package func withdraw(_ type: String, for name: String, token: String) {
        FileWriting.remove("\(store.challengeFolder)/\(token)")
    }
}
