import Foundation
import Testing

/// A signature takes a millisecond or more, for which the clients of a worker would wait: what signs, in which process, and on
/// which of its threads, as libcrypto is called.
@Suite("Where certificates are signed")
struct SigningThreadTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    /// - Parameter names: of the site's internal certificates.
    private func text(_ names: [String]) -> String {
        CertificateSite.text(
            at: port,
            showing: names + ["bought"],
            hosts: "\"*\"",
            app: scene.app.port,
            certificates: """
                  bought: { names: [bought.test], issuer: { acme: "https://127.0.0.1:1/directory" } }
                  \(names.map { "\($0): { names: [\(name(of: $0))], issuer: internal }" }.joined(separator: "\n  "))
                """
        )
    }

    private func name(of certificate: String) -> String {
        certificate == "web" ? "foobar.test" : "\(certificate).foobar.test"
    }

    @Test("by the control plane, and the answer to TLS-ALPN-01 beside the workers: never on one of them")
    func threads() throws {
        let recorder = try SigningRecorder(in: directory)
        let site = try RunningSite(text(["web"]), in: directory, environment: recorder.environment)
        let status = try site.command("status", "--json").output
        let document = try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any]
        let dataPlane = try #require(document?["data_plane_pid"] as? Int, "\(status)")
        let control = Int(site.process.identifier)

        // Clients come all the while.
        let place = "--resolve foobar.test:\(port):127.0.0.1 https://foobar.test:\(port)/"
        let client = "curl -sk --noproxy '*' -o /dev/null \(place)"
        let clients = try ChildProcess(
            "/bin/sh",
            ["-c", "for i in $(seq 400); do \(client); done"],
            in: directory,
            name: "clients"
        )
        defer { withExtendedLifetime(clients) {} }
        #expect(try certs("rotate", "web").status == 0)
        let before = try recorder.notes(of: control).filter(\.signs)
        #expect(before.contains { $0.function == "X509_sign" }, "its start has made what it shows: \(before)")
        try directory.write(text(["web", "more"]), to: "site.yaml")
        #expect(try site.command("reload").status == 0)

        // As an order leaves it there.
        let answers = directory.path("store/acme-challenges")
        try FileManager.default.createDirectory(atPath: answers, withIntermediateDirectories: true)
        try directory.write("token.thumbprint", to: "store/acme-challenges/tls:bought.test")
        #expect(try site.command("reload").status == 0)
        let asked = "openssl s_client -connect 127.0.0.1:\(port) -servername bought.test -alpn acme-tls/1"
        let shown = try run("sh", ["-c", asked + " </dev/null 2>/dev/null | openssl x509 -noout -text"], in: directory)
        #expect(shown.output.contains("1.3.6.1.5.5.7.1.31"), "the CA is answered: \(shown) \(site.log)")

        let notes = try recorder.notes(of: dataPlane)
        let handshakes = notes.filter { $0.function == "SSL_use_cert_and_key" }
        #expect(!handshakes.isEmpty, "what workers do is noted")
        #expect(handshakes.allSatisfy { $0.isWorkers }, "\(handshakes)")
        let signings = notes.filter(\.signs)
        #expect(!signings.isEmpty, "the answer to the CA is signed by the data plane")
        #expect(signings.allSatisfy { !$0.isWorkers }, "\(signings)")
    }
}
