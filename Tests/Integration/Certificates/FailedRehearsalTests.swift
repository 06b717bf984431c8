import Foundation
import Glibc
import Testing

/// The gateway's control plane gets an OpenSSL that makes no signature of the kinds that its certificates are for: what it
/// rehearses fails in the handshake, as with a key that cannot sign. The data plane that serves has one as always.
@Suite("A certificate whose rehearsal fails", .patient)
struct FailedRehearsalTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    /// What a process reads of this when it begins to use OpenSSL holds for as long as it runs.
    private func startOdd(_ certificate: String) throws -> RunningSite {
        try directory.write(
            """
            openssl_conf = all
            [all]
            ssl_conf = contexts
            [contexts]
            system_default = odd
            [odd]
            SignatureAlgorithms = ed25519
            """,
            to: "openssl.cnf"
        )
        let site = try start(certificate, environment: ["OPENSSL_CONF": directory.path("openssl.cnf")])
        try directory.write("", to: "openssl.cnf")
        for dataPlane in site.process.children { kill(dataPlane, SIGKILL) }
        try eventually("the next data plane serves; \(site.log)") { try shown().contains("Fingerprint") }
        return site
    }

    private func shown() throws -> String { try directory.shown(at: port, "-fingerprint -sha256") }

    private static let words = "it was rehearsed before anybody is shown it, and the handshake fails"

    @Test("is shown to nobody, and taken back in the store: no restart serves it")
    func stored() throws {
        let site = try startOdd("issuer: internal")
        let before = try shown()
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 1 && rotated.error.contains(Self.words), "\(rotated) \(site.log)")
        #expect(rotated.error.contains("the one before is served again"), "\(rotated)")
        #expect(try shown() == before)
        #expect(
            try String(contentsOfFile: directory.path("store/web/current"), encoding: .utf8) == "1 rolled-back\n"
        )
        let history = try certs("audit")
        #expect(history.status == 0 && history.output.contains("rolled-back, generation 1"), "\(history)")
        #expect(try certs("list").output.contains("1 try failed"))
        try site.stop()
        let again = try start("issuer: internal")
        #expect(try shown() == before, "\(again.log)")
        let good = try certs("rotate", "web")
        #expect(try good.status == 0 && shown() != before, "\(good)")
    }

    @Test("and comes from files: a reload refuses it, and what was served before is served on")
    func files() throws {
        let certificates = try ["one", "two"].map { try TestCertificate($0, names: ["foobar.test"], in: directory) }
        func put(_ certificate: TestCertificate) throws {
            for (from, to) in [(certificate.certificatePath, "live.crt"), (certificate.keyPath, "live.key")] {
                #expect(try run("cp", [from, directory.path(to)], in: directory).status == 0)
            }
        }
        try put(certificates[0])
        let site = try startOdd("issuer: { files: { certificate: live.crt, key: live.key } }")
        let before = try shown()
        try put(certificates[1])
        let refused = try site.command("reload")
        #expect(refused.status == 1 && refused.error.contains(Self.words), "\(refused) \(site.log)")
        #expect(refused.error.contains("what was served before is served on"), "\(refused)")
        #expect(try shown() == before)
    }
}
