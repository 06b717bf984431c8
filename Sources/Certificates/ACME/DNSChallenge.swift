import OpenSSL
package import Site

/// DNS-01 (RFC 8555, section 8.4), answered by a program of the site's that makes TXT records and takes them out.
///
/// It is called `PROGRAM ARGUMENTS… present NAME VALUE` and later `… cleanup NAME VALUE`, as lego calls its programs,
/// where NAME is `_acme-challenge.foobar.com.` with its final dot. Two values may stand under one name at a time.
package final class DNSChallenge: ACMEChallengeSolver {
    package let type = "dns-01"
    private let hook: HookProgram
    /// The same, whose words do not take the place of the other's.
    private let cleanup: HookProgram
    private let certificate: String
    private let wait: Int64
    private let pause: (Int64) -> Void

    /// - Parameters:
    ///   - certificate: its name in the site file, which the program is told by GATEHOUSE_CERTIFICATE.
    ///   - pause: waits for so many seconds.
    package init(
        _ settings: DNSHookSettings,
        for certificate: String,
        in store: CertificateStore,
        pause: @escaping (Int64) -> Void
    ) {
        func program(_ word: String) -> HookProgram {
            HookProgram(
                settings.command,
                timeout: settings.timeout,
                outputPath: "\(store.folder)/hook-output/\(word)-\(certificate)"
            )
        }
        hook = program("dns")
        cleanup = program("cleanup")
        self.certificate = certificate
        wait = settings.wait.components.seconds
        self.pause = pause
    }

    package func present(_ challenge: ACMEChallenge) throws(ACMEProblem) {
        do throws(HookProgram.Failure) {
            try run(hook, "present", challenge)
        } catch {
            throw .challenge(name: challenge.name, why: "the record could not be made: \(error)")
        }
    }

    package func settle() { if wait > 0 { pause(wait) } }

    package func withdraw(_ challenge: ACMEChallenge) {
        // A record that stays does no harm: the next order has another value.
        try? run(cleanup, "cleanup", challenge)
    }

    private func run(
        _ hook: HookProgram,
        _ action: String,
        _ challenge: ACMEChallenge
    ) throws(HookProgram.Failure) {
        let value = Base64URL.encode(Fingerprint.digest(Array(challenge.keyAuthorization.utf8)))
        try hook.run(
            [action, "_acme-challenge.\(challenge.name).", value],
            environment: ["GATEHOUSE_CERTIFICATE=\(certificate)"]
        )
    }
}
