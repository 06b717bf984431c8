import Certificates
import Control
import Foundation
import Gateway
import OpenSSL
import Site
import Testing

@Suite("A name that goes from one certificate to another in the site file")
struct MovedNameTests {
    @Test("is the other's from then on, though the first one still has it")
    func moved() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-moved-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let now = Int64(Date().timeIntervalSince1970)
        let old = try InternalCA(named: "other", now: now).issue(names: ["foobar.com", "www.foobar.com"], now: now)
        try CertificateStore(folder: "\(folder)/store").save(old, as: "a", .imported, reason: "a test", now: now)
        let text = """
            site: a.example
            gateway:
              listen: [{ port: 443, tls: { certificates: [a, c] } }]
              pools: { web: { servers: [{ address: 192.0.2.1, port: 8080 }] } }
              routes: [{ hosts: [foobar.com], pool: web }]
            certificate-store: store
            certificates:
              a: { names: [foobar.com], issuer: { acme: "https://ca.test/directory" } }
              c: { names: [www.foobar.com], issuer: internal }
            """
        try text.write(toFile: "\(folder)/site.yaml", atomically: true, encoding: .utf8)
        var slots = PlanCompiler.Slots()
        let site = try SiteConfiguration.load(path: "\(folder)/site.yaml", generation: 1, slots: &slots)
        let new = try #require(site.keyring.certificates["c"]?.first)
        let shown = try #require(site.keyring.generations(for: site.plan).values.first)
        #expect(shown.leaves(for: "www.foobar.com", .ecdsa).map(\.der) == [new.leaf.der])
        #expect(shown.leaves(for: "foobar.com", .ecdsa).map(\.der) == [old.leaf.der])
    }
}
