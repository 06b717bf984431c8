import Glibc
import OpenSSL
package import Site

/// One process at a time makes a certificate: orders at CAs take minutes, and each of them counts.
extension CertificateProvider {
    /// Seconds that another process is waited for that makes the same certificate: an order is given minutes by CAs.
    private static let patienceWithOthers: Int64 = 900
    /// Seconds that it may take: each step of each CA has minutes, and a program that changes the DNS has them, too.
    private static let longestMaking: Int64 = 3_600

    /// Has one process at a time make a certificate: an operator's command, or the gateway. Who waited for another one must
    /// look again whether there is a need.
    ///
    /// - Parameters:
    ///   - command: what this process was started as, for those who wait for it.
    ///   - isPatient: another process is waited for, until it has had its time; else there is an error at once.
    ///   - tell: told that there is one.
    /// - Throws: `beingMade`.
    package func claimed<Result>(
        _ settings: CertificateSettings,
        by command: String,
        isPatient: Bool,
        tell: (String) -> Void,
        _ body: () throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        let own = CertificateClaim(
            process: Int(getpid()),
            machine: GatewayIdentity.machine,
            start: Self.clock,
            command: command
        )
        func patience(with other: CertificateClaim?) -> Int {
            guard isPatient else { return 0 }
            let end = min(other?.start ?? .max, Self.clock) + Self.patienceWithOthers
            let who = other.map { "\($0)" } ?? "another process is making it"
            guard end > Self.clock else { return 0 }
            tell("certificate \(settings.name): \(who); waiting for that until \(UTC.text(end)) at most")
            return Int(end - Self.clock) * 1000
        }
        do throws(CertificateProblem) {
            try requireNewest()
            return try store.claimed(settings.name, by: own, patience: patience(with:), body)
        } catch {
            throw storeProblem(error)
        }
    }

    /// Who makes a certificate just now; nil when nobody does, or nobody knows who.
    package func claim(of settings: CertificateSettings) -> CertificateClaim? { store.claim(of: settings.name) }

    /// Whether a process should be done by now with what it makes.
    package func isOverdue(_ claim: CertificateClaim) -> Bool { claim.start + Self.longestMaking < now }
}
