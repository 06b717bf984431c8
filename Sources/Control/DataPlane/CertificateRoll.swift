import Gateway
import OpenSSL

/// The certificates that a data plane has shown and shows no longer: whether their keys are still held, and by how many
/// connections they are still known. For one thread.
internal struct CertificateRoll {
    private struct Retired {
        let name: String
        let fingerprint: String
        let use: CertificateUse
        /// Gone with the last who could still sign with it.
        weak var bundle: CertificateBundle?

        /// Nothing more will ever be known of it.
        var isOver: Bool { bundle == nil && use.connections == 0 }
    }

    private var retired: [Retired] = []
    /// How many that are over are kept for whoever asks when they were.
    private static let kept = 1_000

    /// Notes what `old` has and `fresh` has not.
    mutating func change(from old: Keyring, to fresh: Keyring) {
        for name in old.names(differingFrom: fresh) {
            let offered = fresh.offered(name)
            for bundle in old.offered(name) where !offered.contains(where: { $0 === bundle }) {
                retired.append(Retired(name: name, fingerprint: bundle.fingerprint, use: bundle.use, bundle: bundle))
            }
        }
        guard retired.count > Self.kept else { return }
        var surplus = retired.count - Self.kept
        retired.removeAll { entry in
            guard surplus > 0, entry.isOver else { return false }
            surplus -= 1
            return true
        }
    }

    /// What is known of the certificates of one name, the oldest first, those that are shown last.
    func report(of name: String, in keyring: Keyring) -> [CertificateUseReport] {
        let before = retired.filter { $0.name == name }.map {
            CertificateUseReport($0.fingerprint, $0.use, isShown: false, isKeyHeld: $0.bundle != nil)
        }
        let now = keyring.offered(name).map {
            CertificateUseReport($0.fingerprint, $0.use, isShown: true, isKeyHeld: true)
        }
        return before + now
    }
}

/// How one certificate is in use in the data plane.
package struct CertificateUseReport: Codable, Equatable, Sendable {
    /// SHA-256 of the certificate in DER, in hexadecimal.
    package var fingerprint: String
    /// Whether new handshakes get it.
    package var isShown: Bool
    /// Whether its private key is in the data plane's memory.
    package var isKeyHeld: Bool
    /// Open connections that began with a handshake which its key signed.
    package var connections: Int
    /// When the last such connection ended: seconds since 1970; nil when none has.
    package var lastEnd: Int64?
    /// Whether a data plane holds it that accepts nothing more and ends what runs: it keeps its keys until then.
    package var drains = false

    /// Whether a data plane drains is known to control alone.
    private enum CodingKeys: CodingKey {
        case fingerprint, isShown, isKeyHeld, connections, lastEnd
    }

    /// With what another data plane says of the same certificate.
    internal mutating func add(_ other: CertificateUseReport) {
        isShown = isShown || other.isShown
        isKeyHeld = isKeyHeld || other.isKeyHeld
        connections += other.connections
        lastEnd = [lastEnd, other.lastEnd].compactMap(\.self).max()
        drains = drains || other.drains
    }
}

extension CertificateUseReport {
    fileprivate init(_ fingerprint: String, _ use: CertificateUse, isShown: Bool, isKeyHeld: Bool) {
        self.init(
            fingerprint: fingerprint,
            isShown: isShown,
            isKeyHeld: isKeyHeld,
            connections: use.connections,
            lastEnd: use.lastEnd
        )
    }
}
