import Linux

/// HTTP-01 (RFC 8555, section 8.3) and TLS-ALPN-01 (RFC 8737), answered by the gateways that share the store: they find
/// each answer in a file there.
package final class GatewayChallenge: ACMEChallengeSolver {
    package enum Kind: String, Sendable {
        case http = "http-01"
        case handshake = "tls-alpn-01"
    }

    private let kind: Kind
    private let store: CertificateStore
    private let publish: () throws(ACMEProblem) -> Void
    private let wait: () -> Void

    /// Seconds after which other gateways that share the store have noticed an answer: they look every five
    /// (`CertificateWatch.interval`), and take a moment to serve it.
    package static let timeOfOthers: Int64 = 8

    /// - Parameters:
    ///   - publish: has the running gateway look at the store; throws when there is none.
    ///   - wait: gives other gateways the time to; the CA may come to any of them.
    package init(
        _ kind: Kind,
        in store: CertificateStore,
        publish: @escaping () throws(ACMEProblem) -> Void,
        wait: @escaping () -> Void = {}
    ) {
        self.kind = kind
        self.store = store
        self.publish = publish
        self.wait = wait
    }

    package var type: String { kind.rawValue }

    package func present(_ challenge: ACMEChallenge) throws(ACMEProblem) {
        let answer = Array(challenge.keyAuthorization.utf8)
        do throws(FileError) {
            try FileWriting.createFolder(store.challengeFolder)
            store.removeOldChallenges()
            try FileWriting.replace("\(store.challengeFolder)/\(file(challenge))", with: answer.span, mode: 0o600)
        } catch {
            throw .challenge(name: challenge.name, why: "\(error)")
        }
    }

    package func settle() throws(ACMEProblem) {
        try publish()
        wait()
    }

    package func withdraw(_ challenge: ACMEChallenge) {
        store.remove(file(challenge), in: CertificateStore.challenges)
    }

    private func file(_ challenge: ACMEChallenge) -> String {
        switch kind {
        case .http: challenge.token
        case .handshake: ChallengeAnswers.handshakeMark + challenge.name
        }
    }
}

/// What ACME servers look for now.
package struct ChallengeAnswers: Sendable, Equatable {
    /// Before the name in a file of TLS-ALPN-01: no token holds a colon.
    internal static let handshakeMark = "tls:"

    /// By token.
    package var http: [String: String] = [:]
    /// By DNS name or address.
    package var handshake: [String: String] = [:]
}

extension CertificateStore {
    /// Where what ACME servers look for lies: a file for each answer. Gateways that share the store all answer.
    package var challengeFolder: String { "\(folder)/\(Self.challenges)" }

    fileprivate static let challenges = "acme-challenges"

    /// Seconds after which no CA looks for an answer any more: its order has ended.
    private static let lifeOfChallenges: Int64 = 86_400

    /// Takes back what orders left that were broken off, by a crash for instance.
    internal func removeOldChallenges() {
        guard let folder = try? OpenFolder(folder).folder(Self.challenges) else { return }
        let now = CertificateProvider.clock
        for file in (try? folder.names()) ?? [] {
            if let time = folder.changeTime(of: file), time + Self.lifeOfChallenges < now { folder.remove(file) }
        }
    }

    package func challenges() -> ChallengeAnswers {
        var found = ChallengeAnswers()
        // Whoever asks is told what is here: no link makes another file of it.
        guard let folder = try? OpenFolder(folder).folder(Self.challenges) else { return found }
        for file in (try? folder.names()) ?? [] where !file.hasPrefix(".") {
            let answer = try? folder.read(file, limit: 1 << 10, trust: .ownerWrites)
            guard let text = answer.map({ String(decoding: $0, as: UTF8.self) }) else { continue }
            if file.hasPrefix(ChallengeAnswers.handshakeMark) {
                found.handshake[String(file.dropFirst(ChallengeAnswers.handshakeMark.count))] = text
            } else {
                found.http[file] = text
            }
        }
        return found
    }
}
