import Foundation
import Testing

/// One certificate that cannot be used keeps no other from being served, nor from being renewed.
@Suite("A certificate that cannot be used, beside others", .patient)
struct LoneFaultTests {
    private let directory: TemporaryDirectory
    private let port: UInt16

    init() throws {
        directory = try TemporaryDirectory()
        port = try Ports.free()
    }

    private func text(_ bought: String) -> String {
        CertificateSite.text(
            at: port,
            showing: ["bought", "web"],
            hosts: "bought.test, web.test",
            certificates: """
                  bought: { names: [bought.test], issuer: \(bought) }
                  web: { names: [web.test], issuer: internal }
                """
        )
    }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    /// SHA-256 of what a client of a name is shown.
    private func shown(_ name: String) throws -> String {
        let command =
            "openssl s_client -connect 127.0.0.1:\(port) -servername \(name) </dev/null 2>/dev/null"
            + " | openssl x509 -noout -fingerprint -sha256"
        return try run("sh", ["-c", command], in: directory).output
    }

    private func fingerprint(of file: String) throws -> String {
        try run("openssl", ["x509", "-in", file, "-noout", "-fingerprint", "-sha256"], in: directory).output
    }

    @Test("files that are damaged while they are served: others rotate, a reload is refused, and mended ones are taken")
    func files() throws {
        let bought = try TestCertificate("bought", names: ["bought.test"], in: directory)
        let key = try String(contentsOfFile: bought.keyPath, encoding: .utf8)
        let site = try RunningSite(
            text("{ files: { certificate: \(bought.certificatePath), key: \(bought.keyPath) } }"),
            in: directory
        )
        let (first, other) = (try shown("bought.test"), try shown("web.test"))
        try "half a k".write(toFile: bought.keyPath, atomically: false, encoding: .utf8)
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 0 && rotated.output.contains("the gateway serves it"), "\(rotated)")
        #expect(try shown("web.test") != other)
        #expect(try shown("bought.test") == first)
        // Files are taken when they have stayed for a while, whatever else is rotated meanwhile.
        try eventually("it is told", within: .seconds(60)) { site.log.contains("WHAT WAS SERVED BEFORE IS SERVED ON") }
        #expect(try certs("list").status == 1)
        let reload = try site.command("reload")
        #expect(reload.status != 0 && reload.error.contains("no private key"), "\(reload)")
        #expect(try shown("bought.test") == first)
        try key.write(toFile: bought.keyPath, atomically: false, encoding: .utf8)
        let mended = try site.command("reload")
        #expect(mended.status == 0 && !mended.output.contains("SERVED ON"), "\(mended)")
        #expect(try certs("list").status == 0)
    }

    @Test("files that are given up for an ACME server are shown on until that gives one, and an upgrade waits for it")
    func givenUp() throws {
        let bought = try TestCertificate("bought", names: ["bought.test"], in: directory)
        let site = try RunningSite(
            text("{ files: { certificate: \(bought.certificatePath), key: \(bought.keyPath) } }"),
            in: directory
        )
        let first = try shown("bought.test")
        try directory.write(text("{ acme: \"https://127.0.0.1:1/directory\" }"), to: "site.yaml")
        // The new program reads the file as it is, whatever is in force.
        for isReloaded in [false, true] {
            if isReloaded { _ = try site.command("reload") }
            #expect(try shown("bought.test") == first, "\(site.log)")
            let upgrade = try site.command("upgrade")
            #expect(upgrade.status == 1 && upgrade.error.contains("certificate bought: what is shown"), "\(upgrade)")
            #expect(try shown("bought.test") == first)
        }
        let (chain, key) = (bought.certificatePath, bought.keyPath)
        let taken = try certs("import", "bought", "--certificate", chain, "--key", key)
        #expect(taken.status == 0, "\(taken)")
        #expect(try shown("bought.test") == first)
        let next = try site.command("upgrade")
        #expect(!next.error.contains("what is shown"), "\(next)")
    }

    @Test("one that is damaged in the store at the start: the one before is served, or another stands in")
    func store() throws {
        let (one, two) = (
            try TestCertificate("one", names: ["bought.test"], in: directory),
            try TestCertificate("two", names: ["bought.test"], in: directory)
        )
        let site = text("{ acme: \"https://127.0.0.1:1/directory\" }")
        try directory.write(site, to: "site.yaml")
        for pair in [one, two] {
            let taken = try certs("import", "bought", "--certificate", pair.certificatePath, "--key", pair.keyPath)
            #expect(taken.status == 0, "\(taken)")
        }
        try FileManager.default.removeItem(atPath: directory.path("store/bought/2/key.pem"))
        let first = try RunningSite(site, in: directory)
        #expect(first.log.contains("GENERATION 1 IS SERVED"), "\(first.log)")
        #expect(try shown("bought.test") == fingerprint(of: one.certificatePath))
        #expect(try shown("web.test").contains("Fingerprint"))
        let list = try certs("list")
        #expect(list.status == 1 && list.output.contains("store/bought/2/key.pem"), "\(list)")
        // It is no reason to refuse what else is new.
        #expect(try certs("rotate", "web").status == 0)
        #expect(try first.command("reload").status == 0)
        #expect(try shown("bought.test") == fingerprint(of: one.certificatePath))
        try first.stop()

        try "garbage".write(toFile: directory.path("store/bought/1/fullchain.pem"), atomically: false, encoding: .utf8)
        let second = try RunningSite(site, in: directory)
        #expect(second.log.contains("A CERTIFICATE OF THE INTERNAL CA STANDS IN"), "\(second.log)")
        #expect(try shown("web.test").contains("Fingerprint") && shown("bought.test").contains("Fingerprint"))
        let mended = try certs("import", "bought", "--certificate", two.certificatePath, "--key", two.keyPath)
        #expect(mended.status == 0, "\(mended) \(second.log)")
        #expect(try shown("bought.test") == fingerprint(of: two.certificatePath))
    }
}
