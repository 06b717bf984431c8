import Foundation
import Testing

/// Certificates that the site file names for other programs alone: no listener shows them.
@Suite("A certificate that no listener shows", .patient)
struct UnshownCertificateTests {
    private let directory: TemporaryDirectory
    private let port: UInt16

    init() throws {
        directory = try TemporaryDirectory()
        port = try Ports.free()
        try directory.writeProgram("echo \"$2\" >>told")
    }

    /// - Parameter others: of the site's certificates.
    private func text(_ others: String) -> String {
        CertificateSite.text(
            at: port,
            certificates: "  web: { names: [foobar.test], issuer: internal }\n" + others
        )
    }

    /// The generations that the program was told of, in order.
    private var told: [Int] {
        let text = (try? String(contentsOfFile: directory.path("told"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { $0.split(separator: "/").dropLast().last.flatMap { Int($0) } }
    }

    private func line(of name: String) throws -> String {
        let list = try directory.certs(["list"])
        return try #require(list.output.split(separator: "\n").map(String.init).first { $0.hasPrefix("\(name): ") })
    }

    @Test("is issued, renewed and told to its program by the gateway, as the others are")
    func internalCA() throws {
        let database = "  db: { names: [db.foobar.test], issuer: internal, deploy: { run: [program] } }"
        try directory.write(text(database), to: "site.yaml")
        // Most of its life ago.
        let earlier = try directory.certs(["issue", "db"], under: ["faketime", "--exclude-monotonic", "-f", "-40d"])
        #expect(earlier.status == 0 && told == [1], "\(earlier)")
        let site = try RunningSite(in: directory)
        try eventually("it was due, and is told", within: .seconds(120)) { told == [1, 2] }
        let listed = try line(of: "db")
        #expect(listed.contains("generation 2") && listed.contains("no listener shows it"), "\(listed)")
        #expect(!listed.contains("next try now"), "\(listed)")
        #expect(try directory.certs(["list"]).status == 0)
        let rotated = try directory.certs(["rotate", "db"])
        #expect(rotated.status == 0 && !rotated.output.contains("the gateway serves it"), "\(rotated)")
        #expect(rotated.output.contains("certificate db: in the store, and no listener"), "\(rotated)")
        try eventually("what an operator asks for is told by the gateway", within: .seconds(120)) { told == [1, 2, 3] }
        // A name more: the gateway makes the next.
        let more = database.replacing("[db.foobar.test]", with: "[db.foobar.test, x.foobar.test]")
        try directory.write(text(more), to: "site.yaml")
        #expect(try site.command("reload").status == 0)
        try eventually("so is what a reload brings", within: .seconds(120)) { told == [1, 2, 3, 4] }
        try site.stop()
        // One that is not there yet is made by a start.
        try FileManager.default.removeItem(atPath: directory.path("store/db"))
        let again = try RunningSite(in: directory)
        try eventually("and what a start makes", within: .seconds(120)) { told == [1, 2, 3, 4, 1] }
        #expect(again.log.contains("certificate db: issued by the internal CA"), "\(again.log)")
    }

    @Test("is shown for a name that went to another, which has none for it yet, and `list` says so")
    func lent() throws {
        let database = """
              db: { names: [shop.foobar.test, db.foobar.test], issuer: internal, deploy: { run: [program] } }
            """
        let site = try RunningSite(text(database), in: directory)
        #expect(try line(of: "db").contains("no listener shows it"), "\(site.log)")
        let more = text(database).replacing(
            "web: { names: [foobar.test], issuer: internal }",
            with: #"web: { names: [foobar.test, shop.foobar.test], issuer: { acme: "https://127.0.0.1:1/directory" } }"#
        )
        try directory.write(more, to: "site.yaml")
        _ = try site.command("reload")
        let listed = try line(of: "db")
        #expect(listed.contains("kept fresh for other programs; the gateway shows it for web, until"), "\(listed)")
    }

    @Test("and that cannot be used is told, by check too, and keeps the gateway from nothing")
    func damaged() throws {
        let site = try RunningSite(
            text(
                """
                  mail: { names: [mail.foobar.test], issuer: { files: { certificate: no.crt, key: no.key } } }
                  later:
                    names: [later.foobar.test]
                    issuer: { acme: "https://127.0.0.1:1/directory" }
                """
            ),
            in: directory
        )
        let checked = try run(try Gateway.binary, ["check", "--site", directory.path("site.yaml")], in: directory)
        #expect(checked.status == 0, "\(checked)")
        for words in ["no.crt: No such file", "certificate later: none in the store"] {
            #expect(site.log.contains(words), "\(site.log)")
            #expect(checked.error.contains(words), "\(checked)")
        }
        try eventually("its ACME server is asked", within: .seconds(120)) {
            try line(of: "later").contains("1 try failed")
        }
        let rotated = try directory.certs(["rotate", "web"])
        #expect(rotated.status == 0 && rotated.output.contains("the gateway serves it"), "\(rotated)")
        #expect(try site.command("reload").status == 0)
        #expect(try directory.certs(["list"]).status == 1)
    }
}
