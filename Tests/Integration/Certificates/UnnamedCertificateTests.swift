import Foundation
import Testing

/// Certificates of the store that the site file does not name, since they left it, or are another site's.
@Suite("A certificate that the site file does not name", .patient)
struct UnnamedCertificateTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    private static let old = "  old: { names: [old.foobar.test], issuer: internal }\n"

    private func write(_ more: String) throws -> String {
        let text = """
            site: foobar.test
            certificate-store: store
            certificates:
              web: { names: [foobar.test], issuer: internal }

            """
        try directory.write(text + more, to: "site.yaml")
        return text
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: directory.path(path)) }

    @Test("is named by `list` and `verify`, and `retire` deletes all of its keys; it may come back")
    func leaves() throws {
        _ = try write(Self.old)
        for command in [["issue", "web"], ["issue", "old"], ["rotate", "old"]] {
            #expect(try directory.certs(command).status == 0)
        }
        _ = try write("")
        let listed = try certs("list")
        #expect(listed.status == 0, "\(listed)")
        #expect(listed.output.contains("old: not in the site file; generation 2; good until"), "\(listed)")
        #expect(listed.output.contains("`gatehouse certs retire old` deletes its keys"), "\(listed)")
        #expect(try certs("list", "--json").output.contains("\"in_site_file\": false"))
        let verified = try certs("verify")
        #expect(verified.status == 0, "\(verified)")
        #expect(verified.error.contains("certificate old: warning: not in the site file"), "\(verified)")
        for words in [verified.output + verified.error, listed.output] {
            #expect(!words.contains("internal-ca"), "\(words)")
        }

        for options in [["--revoke", "superseded"], ["--generation", "1"]] {
            let refused = try directory.certs(["retire", "old"] + options)
            #expect(refused.status == 2 && exists("store/old/1/key.pem"), "\(refused)")
        }
        let ofCA = "is of the internal CA itself"
        for (name, why) in [
            ("internal-ca", ofCA), ("internal-ca-root", ofCA), ("nosuch", "the site file has no certificate"),
        ] {
            let refused = try certs("retire", name)
            #expect(refused.status == 2 && refused.error.contains(why), "\(refused)")
        }
        let retired = try certs("retire", "old")
        #expect(retired.status == 0 && retired.output.contains("deleted the keys of generation 1, 2"), "\(retired)")
        #expect(!exists("store/old/1/key.pem") && !exists("store/old/2/key.pem") && exists("store/old/2/fullchain.pem"))
        #expect(exists("store/internal-ca-root/1/key.pem") && exists("store/web/1/key.pem"))
        #expect(try certs("audit", "old").output.contains("old retired, generation 2"))
        let without = try certs("list")
        #expect(without.status == 0 && !without.output.contains("old:"), "\(without)")
        #expect(try certs("audit").status == 0)

        _ = try write(Self.old)
        let back = try certs("issue", "old")
        #expect(back.status == 0 && exists("store/old/3/key.pem"), "\(back)")
    }

    /// Takes the one that a listener shows out of the site file, and another in its place.
    private func rename() throws {
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        let renamed = text.replacing("[web]", with: "[other]").replacing("  web: {", with: "  other: {")
        try directory.write(renamed, to: "site.yaml")
    }

    @Test("a stolen key of it ends tickets and trials, too, and a gateway that does not answer is told of")
    func stolen() throws {
        let site = try start("issuer: internal, canary: { share: 50%, time: 1h }")
        #expect(try certs("rotate", "web").output.contains("to 50 % of the clients first"))
        try rename()
        let reloaded = try site.command("reload", "--site", directory.path("site.yaml"))
        #expect(reloaded.status == 0, "\(reloaded)")
        // The trial of what nobody shows is over, and its mark with it.
        let marks = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/web"))
        #expect(!marks.contains { $0.hasPrefix("in-force") }, "\(marks)")
        // One that another gateway left.
        let end = Int(Date().timeIntervalSince1970) + 3_600
        try directory.write("1 \(end)\n", to: "store/web/in-force.another")
        let refused = try certs("retire", "web")
        #expect(refused.status == 1 && refused.error.contains("--compromised ends it at once"), "\(refused)")
        let retired = try certs("retire", "web", "--compromised", "--reason", "stolen")
        #expect(retired.status == 0 && retired.output.contains("deleted the keys of generation 1, 2"), "\(retired)")
        #expect(retired.output.contains("session tickets of before are opened no more"), "\(retired)")
        #expect(try certs("audit", "web").output.contains("compromised: stolen"))
        #expect(!exists("store/web/1/key.pem") && !exists("store/web/2/key.pem"))

        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        try directory.write(text + "\n  late: { names: [late.test], issuer: internal }\n", to: "site.yaml")
        #expect(try certs("issue", "late").status == 0)
        try directory.write(text, to: "site.yaml")
        site.process.send(SIGSTOP)
        let silent = try certs("retire", "late", "--compromised")
        #expect(silent.status == 3 && silent.error.contains("MAY HOLD THE KEY IN ITS MEMORY"), "\(silent)")
        #expect(!exists("store/late/1/key.pem"))
        site.process.send(SIGCONT)
    }

    @Test("whose keys are gone already is said to have none")
    func empty() throws {
        _ = try write(Self.old)
        #expect(try certs("issue", "old").status == 0)
        _ = try write("")
        try FileManager.default.removeItem(atPath: directory.path("store/old/1/key.pem"))
        let retired = try certs("retire", "old")
        #expect(retired.status == 0 && retired.output.contains("there is no key to delete"), "\(retired)")
    }

    @Test("keeps its keys while the gateway serves it, which a reload ends")
    func served() throws {
        let site = try start("issuer: internal")
        try rename()
        let listed = try certs("list")
        #expect(listed.output.contains("the gateway serves it until `gatehouse reload`"), "\(listed)")
        let early = try certs("retire", "web")
        #expect(early.status == 1 && early.error.contains("`gatehouse reload` first"), "\(early)")
        #expect(exists("store/web/1/key.pem"))
        let reloaded = try site.command("reload", "--site", directory.path("site.yaml"))
        #expect(reloaded.status == 0, "\(reloaded)")
        let retired = try certs("retire", "web")
        #expect(retired.status == 0 && !exists("store/web/1/key.pem"), "\(retired)")
    }

    @Test("keeps its keys while it is shown for another, which has none yet; a stolen one goes, and nobody is shown it")
    func lent() throws {
        let issuer = #"issuer: { acme: "https://127.0.0.1:1/directory" }"#
        try directory.write(
            "site: foobar.test\ncertificate-store: store\ncertificates:\n  web: { names: [foobar.test], \(issuer) }\n",
            to: "site.yaml"
        )
        let bought = try TestCertificate("bought", names: ["foobar.test"], in: directory)
        let taken = try certs("import", "web", "--certificate", bought.certificatePath, "--key", bought.keyPath)
        #expect(taken.status == 0, "\(taken)")
        let site = try start(issuer)
        let first = try shown
        try rename()
        _ = try site.command("reload", "--site", directory.path("site.yaml"))
        #expect(try shown == first, "\(site.log)")
        let listed = try certs("list")
        #expect(listed.output.contains("the gateway shows it for other, until there is one of that name"), "\(listed)")
        #expect(!listed.output.contains("certs retire web"), "\(listed)")
        let refused = try certs("retire", "web")
        #expect(refused.status == 1 && refused.error.contains("the running gateway shows it for other"), "\(refused)")
        #expect(exists("store/web/1/key.pem"))
        #expect(try shown == first)

        let retired = try certs("retire", "web", "--compromised", "--reason", "stolen")
        #expect(retired.status == 0 && retired.output.contains("deleted the keys of generation 1"), "\(retired)")
        #expect(retired.output.contains("\(first.prefix(16))…: its key is"), "\(retired)")
        #expect(!exists("store/web/1/key.pem"))
        let after = try shown
        #expect(!after.isEmpty && after != first, "\(retired) \(site.log)")
    }
}
