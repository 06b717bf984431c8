import Foundation
import Testing

/// Generations that are not current, and the history that tells of them, where something is wrong with either.
@Suite("Old generations, and what is wrong with them", .patient)
struct OldGenerationTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              other: { names: [other.foobar.test], issuer: internal }
              web: { names: [foobar.test], issuer: internal }
            """,
            to: "site.yaml"
        )
        for arguments in [["issue", "other"], ["issue", "web"], ["rotate", "web"]] {
            let made = try directory.certs(arguments)
            #expect(made.status == 0, "\(made)")
        }
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: directory.path(path)) }

    private func serial(of path: String) throws -> String {
        let line = try run("openssl", ["x509", "-in", directory.path(path), "-noout", "-serial"], in: directory).output
        return try #require(line.split(separator: "=").last).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Serial numbers on the lists of the CA.
    private func revoked(under prefix: [String] = []) throws -> [String] {
        let lists = try directory.certs(["ca", "crl"], under: prefix)
        #expect(lists.status == 0, "\(lists)")
        try directory.write(lists.output, to: "lists.pem")
        let show = ["crl", "-in", directory.path("lists.pem"), "-noout", "-text"]
        return try run("openssl", show, in: directory).output.split(separator: "\n").filter {
            $0.contains("Serial Number: ")
        }.compactMap {
            $0.split(separator: " ").last.map(String.init)
        }
    }

    @Test("what was revoked stays so, whatever the clock was meanwhile, and comes back to a list that was lost")
    func revocation() throws {
        let first = try serial(of: "store/web/1/fullchain.pem")
        #expect(try directory.certs(["retire", "web", "--revoke", "key-compromise"]).status == 0)
        #expect(try revoked() == [first])
        for days in [400, 402, 1500] { _ = try revoked(under: ["faketime", "--exclude-monotonic", "-f", "+\(days)d"]) }
        #expect(try revoked() == [first])
        let folder = directory.path("store/internal-ca")
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".crl") {
            try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
        }
        #expect(try revoked() == [])
        let again = try directory.certs(["retire", "web", "--revoke", "key-compromise"])
        #expect(again.status == 0 && again.output.contains("generation 1 is revoked"), "\(again)")
        #expect(try revoked() == [first])
        let known = try directory.certs(["retire", "web", "--revoke", "key-compromise"])
        #expect(known.status == 0 && known.output.contains("generation 1 was revoked before"), "\(known)")
    }

    @Test("one that is damaged is named beside the others, which are looked at; its key is deleted")
    func damaged() throws {
        func damage(_ number: Int) throws {
            let chain = directory.path("store/web/\(number)/fullchain.pem")
            try String(contentsOfFile: chain, encoding: .utf8).prefix(300).write(
                toFile: chain,
                atomically: false,
                encoding: .utf8
            )
        }
        try damage(1)
        let looked = try directory.certs(["verify"])
        #expect(looked.status == 1, "\(looked)")
        for name in ["other", "web"] {
            #expect(looked.output.contains("certificate \(name): nothing is wrong"), "\(looked)")
        }
        #expect(looked.error.contains("certificate web: generation 1 is damaged"), "\(looked)")
        #expect(looked.error.contains("`gatehouse certs retire web` deletes its key"), "\(looked)")
        let history = try directory.certs(["audit", "web"])
        #expect(history.status == 1 && history.output.contains("web issued, generation 2"), "\(history)")
        let stolen = try directory.certs(["retire", "web", "--compromised", "--revoke", "key-compromise"])
        #expect(stolen.status == 1 && stolen.error.contains("NOT REVOKED"), "\(stolen)")
        #expect(stolen.output.contains("deleted the key of generation 1"), "\(stolen)")
        #expect(!exists("store/web/1/key.pem"))
        #expect(try directory.certs(["audit"]).output.contains("web retired, generation 1"))
        #expect(try directory.certs(["rotate", "web"]).status == 0)
        try damage(2)
        let retired = try directory.certs(["retire", "web"])
        #expect(retired.status == 0 && !exists("store/web/2/key.pem"), "\(retired)")
    }

    @Test("a pointer that is a folder keeps no other from being looked at")
    func pointer() throws {
        try FileManager.default.removeItem(atPath: directory.path("store/other/current"))
        try FileManager.default.createDirectory(
            atPath: directory.path("store/other/current"),
            withIntermediateDirectories: false
        )
        let looked = try directory.certs(["verify"])
        #expect(looked.status == 1 && looked.error.contains("other/current"), "\(looked)")
        #expect(looked.output.contains("certificate web: nothing is wrong"), "\(looked)")
    }

    @Test("a history whose last line is cut short is told, and the generation of which it told")
    func torn() throws {
        let log = directory.path("store/audit.log")
        try String(contentsOfFile: log, encoding: .utf8).dropLast(50).write(
            toFile: log,
            atomically: false,
            encoding: .utf8
        )
        for command in [["list"], ["verify"], ["audit"]] {
            let told = try directory.certs(command)
            #expect(told.status == 1 && told.error.contains("is cut short"), "\(command): \(told)")
        }
        for command in [["verify"], ["audit"]] {
            let told = try directory.certs(command)
            #expect(told.error.contains("certificate web: generation 2 is in no line"), "\(command): \(told)")
        }
        #expect(try directory.certs(["rotate", "other"]).status == 0)
        #expect(try directory.certs(["list"]).status == 0)
        #expect(try directory.certs(["verify"]).error.contains("certificate web: generation 2 is in no line"))
    }

    @Test("a way back for which a disk had no room is in no history, from whichever call on it was full")
    func fullDisk() throws {
        // The same of another certificate that stands as this one.
        #expect(try directory.certs(["rotate", "other"]).status == 0)
        let traced = try StoreCalls(in: directory) { try directory.certs(["rollback", "other"], under: $0) }
        let kinds = ["fsync", "write"]
        // What comes after the pointer is the plan.
        let published = try #require(traced.calls.firstIndex { $0.kind == "rename" })
        let places = traced.calls[..<published].indices.filter { kinds.contains(traced.calls[$0].kind) }
        #expect(Set(places.map { traced.calls[$0].kind }) == Set(kinds), "each comes before the one that publishes")
        for place in places {
            let result = try directory.certs(["rollback", "web"], under: traced.full(kinds, from: place))
            let history = try directory.certs(["audit", "web"])
            let comment: Comment = "full from \(traced.calls[place]) on: \(result) \(history)"
            #expect(result.status != 0 && !history.output.contains("rolled-back"), comment)
            #expect(try String(contentsOfFile: directory.path("store/web/current"), encoding: .utf8) == "2\n", comment)
        }
        #expect(try directory.certs(["rollback", "web"], under: traced.full(kinds, from: published)).status != 0)
        #expect(try directory.certs(["audit", "web"]).output.contains("rolled-back"))
        #expect(try String(contentsOfFile: directory.path("store/web/current"), encoding: .utf8).hasPrefix("1 "))
    }

    @Test("what an intermediate of before has signed is of this CA, until that is revoked")
    func earlierIntermediate() throws {
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        try directory.write(text + "\n  far: { names: [elsewhere.test], issuer: internal }", to: "site.yaml")
        #expect(try directory.certs(["issue", "far"]).status == 0)
        #expect(exists("store/internal-ca/2"), "another intermediate signs for the other domain")
        for command in ["list", "verify"] {
            let told = try directory.certs([command])
            #expect(told.status == 0, "\(command): \(told)")
        }
        let home = directory.path("store/internal-ca-root")
        let list = try #require(
            try FileManager.default.contentsOfDirectory(atPath: home).first { $0.hasSuffix(".crl") }
        )
        let whole = try directory.contents(of: "store/internal-ca-root/\(list)")
        try Data("damaged".utf8).write(to: URL(fileURLWithPath: "\(home)/\(list)"))
        let unknown = try directory.certs(["list"])
        #expect(unknown.status == 1 && unknown.output.contains("nobody can read which intermediates"), "\(unknown)")
        #expect(!unknown.output.contains("has taken back the intermediate that signed it"), "\(unknown)")
        try Data(whole).write(to: URL(fileURLWithPath: "\(home)/\(list)"))
        let renewed = try directory.certs(["ca", "renew", "--revoke", "key-compromise"])
        #expect(renewed.status == 0 && renewed.output.contains("`gatehouse certs renew` replaces it"), "\(renewed)")
        let told = try directory.certs(["list"])
        #expect(told.output.contains("`gatehouse certs renew` replaces it"), "\(told)")
        #expect(told.status == 1 && told.output.contains("has taken back the intermediate that signed it"), "\(told)")
        #expect(try directory.certs(["renew"]).status == 0)
        #expect(try directory.certs(["list"]).status == 0)
    }

    @Test("a certificate that waits for its next try keeps the timer's command from ending well")
    func waiting() throws {
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        let acme = "{ names: [acme.test], issuer: { acme: \"https://127.0.0.1:1/directory\" } }"
        try directory.write(text + "\n  ordered: \(acme)", to: "site.yaml")
        #expect(try directory.certs(["renew"]).status == 1)
        let again = try directory.certs(["renew"])
        #expect(again.status == 1 && again.error.contains("certificate ordered: the next try is at "), "\(again)")
    }

    @Test("a root that was lost: what helps is said, and no command that cannot")
    func lostRoot() throws {
        try FileManager.default.removeItem(atPath: directory.path("store/internal-ca-root"))
        for command in [["rotate", "web"], ["ca", "export"], ["verify"]] {
            let told = try directory.certs(command)
            let said = told.output + told.error
            #expect(told.status != 0 && said.contains("internal-ca-root back from a backup"), "\(command): \(told)")
            #expect(!said.contains("certs issue internal-ca"), "\(command): \(told)")
        }
        // The other way that it names.
        try FileManager.default.removeItem(atPath: directory.path("store/internal-ca"))
        #expect(try directory.certs(["ca", "init"]).status == 0)
        #expect(try directory.certs(["rotate", "web"]).status == 0)
    }
}
