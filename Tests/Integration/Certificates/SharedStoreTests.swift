import Foundation
import Testing

/// Two gateways that share one store, as a pair on two machines does: here with a socket and a port each.
@Suite("Two gateways with one store", .patient)
struct SharedStoreTests {
    /// One of the two.
    private struct Member {
        let directory: TemporaryDirectory
        let port: UInt16
        let text: String

        init(store: TemporaryDirectory) throws {
            directory = try TemporaryDirectory()
            port = try Ports.free()
            text = """
                site: foobar.test
                hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
                gateway:
                  listen: [ { port: \(port), address: [127.0.0.1], tls: { certificates: [web] } } ]
                  routes: [ { hosts: [foobar.test], pool: web } ]
                  pools: { web: { servers: [ { address: 127.0.0.1, port: 1 } ] } }
                certificate-store: \(store.path("store"))
                certificates:
                  web: { names: [foobar.test], issuer: internal, canary: { share: 50%, time: 1h } }
                """
        }

        func start() throws -> RunningSite { try RunningSite(text, in: directory) }

        func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

        /// The names of the certificates that are on trial there.
        var trials: [String] {
            get throws {
                let said = try run(
                    try Gateway.binary,
                    ["status", "--json", "--socket", directory.path("admin.sock")],
                    in: directory
                )
                let document = try JSONSerialization.jsonObject(with: Data(said.output.utf8)) as? [String: Any]
                let trials = document?["certificate_trials"] as? [[String: Any]]
                return (trials ?? []).compactMap { $0["name"] as? String }
            }
        }
    }

    @Test("each has its own trial: the other's restart does not end it, and a stolen key ends both")
    func each() throws {
        let store = try TemporaryDirectory()
        let (one, two) = (try Member(store: store), try Member(store: store))
        let first = try one.start()
        var second = try two.start()
        let rotated = try one.certs("rotate", "web")
        #expect(rotated.status == 0 && rotated.output.contains("to 50 % of the clients first"), "\(rotated)")
        #expect(try second.command("reload").status == 0)
        #expect(try one.trials == ["web"] && two.trials == ["web"], "\(first.log) \(second.log)")
        // It begins with the new one for all, which says nothing of the first.
        try second.stop()
        second = try two.start()
        #expect(try one.trials == ["web"] && two.trials.isEmpty, "\(first.log) \(second.log)")
        let history = try one.certs("audit", "web")
        #expect(history.output.contains("promoted, generation 2"), "\(history)")
        #expect(history.output.contains("the gateway was started anew"), "\(history)")
        let listed = (try one.certs("list"), try two.certs("list"))
        #expect(listed.0.status == 0 && listed.0.output.contains("served to 50 % of the clients, "), "\(listed.0)")
        #expect(listed.1.status == 0 && listed.1.output.contains("; served\n"), "\(listed.1)")
        for refused in [try one.certs("retire", "web"), try two.certs("retire", "web")] {
            #expect(refused.status == 1 && refused.error.contains("most clients are shown generation 1"), "\(refused)")
        }
        // The third is tried by both, at each beside what it showed to all.
        #expect(try one.certs("rotate", "web").status == 0)
        #expect(try second.command("reload").status == 0)
        #expect(try one.trials == ["web"] && two.trials == ["web"], "\(first.log) \(second.log)")
        for generation in 1...2 {
            #expect(FileManager.default.fileExists(atPath: store.path("store/web/\(generation)/key.pem")))
        }
        let stolen = try two.certs("retire", "web", "--compromised")
        #expect(stolen.status == 0 && stolen.output.contains("ends within seconds"), "\(stolen)")
        #expect(stolen.output.contains("deleted the key of generation 1, 2"), "\(stolen)")
        #expect(try two.trials.isEmpty)
        try eventually("the first one's trial ends, too; \(first.log)", within: .seconds(60)) { try one.trials.isEmpty }
        #expect(try one.certs("list").output.contains("; served\n"))
        #expect(try one.certs("retire", "web", "--compromised").status == 0)
    }

    @Test("one is reloaded with a name more: the other leaves that there, and says so until it has the same file")
    func mixed() throws {
        let store = try TemporaryDirectory()
        let (one, two) = (try Member(store: store), try Member(store: store))
        let first = try one.start()
        let second = try two.start()
        #expect(try one.certs("list").status == 0)
        func widen(_ member: Member) throws {
            let (narrow, wide) = ("names: [foobar.test]", "names: [foobar.test, www.foobar.test]")
            try member.directory.write(member.text.replacingOccurrences(of: narrow, with: wide), to: "site.yaml")
        }
        try widen(two)
        #expect(try second.command("reload").status == 0)
        let words = "ANOTHER GATEWAY OR COMMAND HAS ANOTHER SITE FILE"
        try eventually("the first one has seen it; \(first.log)", within: .seconds(60)) {
            let list = try one.certs("list")
            return list.status == 1 && list.output.contains("WARNING: \(words)")
        }
        #expect(try first.command("status").output.contains("WARNING: \(words)"))
        #expect(try two.certs("list").status == 0)
        try widen(one)
        let reload = try first.command("reload")
        #expect(reload.status == 0 && !reload.error.contains(words), "\(reload)")
        for member in [one, two] {
            let list = try member.certs("list")
            #expect(list.status == 0 && list.output.contains("generation 2"), "\(list)")
        }
    }
}
