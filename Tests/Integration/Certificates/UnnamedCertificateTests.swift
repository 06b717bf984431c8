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
        for name in ["internal-ca", "internal-ca-root", "nosuch"] {
            let refused = try certs("retire", name)
            #expect(refused.status == 2 && refused.error.contains("the site file has no certificate"), "\(refused)")
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

    @Test("keeps its keys while the gateway serves it, which a reload ends")
    func served() throws {
        let site = try start("issuer: internal")
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        let renamed = text.replacing("[web]", with: "[other]").replacing("  web: {", with: "  other: {")
        try directory.write(renamed.replacing("pool: web", with: "pool: web"), to: "site.yaml")
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
}
