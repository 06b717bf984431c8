import Foundation
import Testing

/// The generation before of a certificate, which the gateway shows for a name that went to another one.
@Suite("A generation that is shown for others' names", .patient)
struct RetireLentTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    @Test("keeps its key; one that was stolen goes, it is shown no longer, and `retire` says what became of it")
    func retired() throws {
        let site = try start("issuer: internal")
        let old = try shown
        // Its name goes to `other`, which has none yet.
        let issuer = #"{ acme: "https://127.0.0.1:1/directory" }"#
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        let moved = text.replacing("[web] } }", with: "[web, other] } }")
            .replacing("web: { names: [foobar.test]", with: "web: { names: [new.foobar.test]")
        try directory.write(moved + "\n  other: { names: [foobar.test], issuer: \(issuer) }\n", to: "site.yaml")
        _ = try site.command("reload", "--site", directory.path("site.yaml"))
        #expect(try shown == old, "\(site.log)")
        for options in [[], ["--generation", "1"], ["--revoke", "superseded"]] {
            let refused = try directory.certs(["retire", "web"] + options)
            let words = "the running gateway shows it for other"
            #expect(refused.status == 1 && refused.error.contains(words), "\(refused)")
            #expect(FileManager.default.fileExists(atPath: directory.path("store/web/1/key.pem")))
            #expect(try shown == old, "\(refused) \(site.log)")
        }
        let retired = try certs("retire", "web", "--compromised")
        #expect(retired.status == 0 && retired.output.contains("deleted the key of generation 1"), "\(retired)")
        #expect(retired.output.components(separatedBy: "\(old.prefix(16))…: its key is").count == 2, "\(retired)")
        let after = try shown
        #expect(!after.isEmpty && after != old, "\(retired) \(site.log)")
    }

    @Test("is not said to be gone as long as it is shown for another name under which it came in, too")
    func heldTwice() throws {
        let names = ["foobar.test", "api.foobar.test"]
        let one = try TestCertificate("one", names: names, in: directory)
        let two = try TestCertificate("two", names: names, in: directory)
        let issuer = #"{ acme: "https://127.0.0.1:1/directory" }"#
        let site = try RunningSite(
            CertificateSite.text(
                at: port,
                showing: ["web", "other"],
                hosts: "foobar.test, api.foobar.test",
                app: scene.app.port,
                certificates: """
                      web: { names: [foobar.test], issuer: \(issuer) }
                      other: { names: [api.foobar.test], issuer: \(issuer) }
                    """
            ),
            in: directory
        )
        for (name, brought) in [("web", one), ("other", one), ("web", two)] {
            let files = ["--certificate", brought.certificatePath, "--key", brought.keyPath]
            let done = try directory.certs(["import", name] + files)
            #expect(done.status == 0, "\(done) \(site.log)")
        }
        let retired = try certs("retire", "web")
        #expect(retired.status == 1 && retired.error.contains("THE GATEWAY SHOWS IT YET, for other"), "\(retired)")
        #expect(retired.output.contains("deleted the key of generation 1"), "\(retired)")
        #expect(!retired.output.contains("its key is gone"), "\(retired)")
    }
}
