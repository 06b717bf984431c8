import Foundation
import Testing

/// Commands that are about some of a site's certificates, where no gateway runs.
@Suite("Several certificates at a time", .patient)
struct SeveralCertificatesTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              one: { names: [one.foobar.test], issuer: internal }
              two: { names: [two.foobar.test], issuer: internal }
              three: { names: [three.foobar.test], issuer: internal }
              bought: { names: [bought.test], issuer: { acme: "https://127.0.0.1:1/directory" } }
            """,
            to: "site.yaml"
        )
        for name in ["one", "two", "three"] {
            let issued = try certs("issue", name)
            #expect(issued.status == 0, "\(issued)")
        }
    }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    @Test("are rotated by one command; one that fails keeps no other, and its status is the command's")
    func rotate() throws {
        let done = try certs("rotate", "one", "bought", "two", "--reason", "a test")
        #expect(done.status == 1 && done.error.contains("certificate bought: "), "\(done)")
        for name in ["one", "two"] { #expect(done.output.contains("certificate \(name): good"), "\(done)") }
        let generations = try directory.listed(["one", "two", "three"]).entries.map { $0["generation"] as? Int }
        #expect(generations == [2, 1, 2], "one, three, two")
        #expect(try certs("rotate", "one", "nosuch").status == 2)
        let one = try directory.listed(["one"]).entries.first
        #expect(one?["generation"] as? Int == 2, "names come before anything is made")
        #expect(try certs("rotate").status != 0)
        let own = try certs("rotate", "internal-ca")
        #expect(own.status == 2 && own.error.contains("`ca renew` replaces the intermediate"), "\(own)")
    }

    @Test("are listed by name, with what is wrong with the store, and with what is wrong with them alone")
    func list() throws {
        let some = try certs("list", "two", "one")
        #expect(some.status == 0, "\(some)")
        #expect(some.output.contains("one: internal") && some.output.contains("two: internal"), "\(some)")
        #expect(!some.output.contains("three: internal") && !some.output.contains("bought"), "\(some)")
        let whole = try certs("list")
        #expect(whole.status == 1 && whole.output.contains("bought: acme"), "\(whole)")
        #expect(try certs("list", "nosuch").status == 2)
        try directory.setMode(0o777, of: "store")
        let open = try directory.listed(["one"])
        #expect(open.result.status == 1 && open.entries.count == 2, "\(open)")
        #expect(open.entries.last?["name"] is NSNull, "\(open)")
        let warnings = open.entries.last?["warnings"] as? [String] ?? []
        #expect(warnings.contains { $0.contains("chmod 700 \(directory.path("store"))") }, "\(open)")
    }

    @Test("a clock that is behind the history is told by what makes one", arguments: ["renew", "rotate", "issue"])
    func clock(command: String) throws {
        let names = command == "renew" ? [] : ["one"]
        let late = ["faketime", "--exclude-monotonic", "-f", "-3d"]
        let done = try directory.certs([command] + names, under: late)
        #expect(done.error.contains("THE CLOCK IS BEHIND"), "\(done)")
        #expect(command == "renew" || done.status == 0, "\(done)")
        let right = try directory.certs([command] + names)
        #expect(!right.error.contains("THE CLOCK IS BEHIND"), "\(right)")
    }

    @Test("the same certificate imported twice is one generation, and what no browser takes is said")
    func imports() throws {
        let live = try TestCertificate("live", names: ["bought.test"], in: directory)
        func take(_ certificate: String, _ key: String) throws -> ToolResult {
            try certs("import", "bought", "--certificate", certificate, "--key", key)
        }
        let first = try take(live.certificatePath, live.keyPath)
        #expect(first.status == 0 && first.error.isEmpty, "\(first)")
        let again = try take(live.certificatePath, live.keyPath)
        #expect(again.status == 0, "\(again)")
        #expect(again.output.contains("the store has it already, as generation 1, which is in use"), "\(again)")
        let made = try run(
            "openssl",
            [
                "req", "-x509", "-nodes", "-days", "30", "-newkey", "ed25519", "-subj", "/CN=bought.test", "-addext",
                "subjectAltName=DNS:bought.test", "-keyout", directory.path("ed.key"), "-out", directory.path("ed.crt"),
            ],
            in: directory
        )
        #expect(made.status == 0, "\(made)")
        let odd = try take(directory.path("ed.crt"), directory.path("ed.key"))
        #expect(odd.status == 0 && odd.error.contains("a key of type ed25519: no browser takes it"), "\(odd)")
        let inside = try certs("export", "one", "--out", directory.path("store/one"))
        #expect(inside.status == 2 && inside.error.contains("Gatehouse alone writes"), "\(inside)")
    }
}
