import Foundation
import Glibc
import Testing

/// Upgrades and starts that cannot come about beside a data plane that serves: it goes on being guarded.
@Suite("Starts that are refused", .patient)
struct RefusedStartTests {
    private func status(_ gateway: Gateway) throws -> String { try gateway.command("status", "--json").output }

    @Test("an upgrade that could not start says why, and leaves all as it was")
    func upgrade() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let taken = try Ports.free()
        let holder = try Socket.listen(on: taken)
        defer { withExtendedLifetime(holder) {} }
        let good = gateway.site.text
        let files = "{ certificate: /nonexistent.crt, key: /nonexistent.key }"
        let secure = "    - { port: \(try Ports.free()), address: [127.0.0.1], tls: { certificates: [gone] } }\n"
        let wanting: [(text: String, words: String)] = [
            (good.replacing("  listen:\n", with: "  listen:\n    - \(SiteFile.plain(taken))\n"), "in use"),
            (good.replacing("  listen:\n", with: "  metrics: { port: \(taken) }\n  listen:\n"), "gateway.metrics"),
            (good.replacing("user: nobody", with: "user: nosuchuser"), "there is no user nosuchuser"),
            (
                good.replacing("  listen:\n", with: "  listen:\n\(secure)")
                    + "certificates:\n  gone: { names: [foobar.test], issuer: { files: [\(files)] } }\n",
                "/nonexistent.crt"
            ),
        ]
        for (text, words) in wanting {
            try gateway.directory.write(text, to: "site.yaml")
            let answer = try gateway.command("upgrade")
            #expect(answer.status != 0 && answer.error.contains(words), "\(words): \(answer)")
            let served = try gateway.dataPlane
            let status = try status(gateway)
            #expect(status.contains("\"data_plane_pid\": \(served)") && !status.contains("\(taken)"), "\(status)")
            kill(served, SIGKILL)
            #expect(try gateway.get().text == "app")
            #expect(try gateway.dataPlane != served)
        }
        try gateway.directory.write(good, to: "site.yaml")
        #expect(try gateway.command("upgrade").status == 0)
    }

    @Test("an upgrade does not make a CA anew whose store is away")
    func storeAway() throws {
        let directory = try TemporaryDirectory()
        let port = try Ports.free()
        let site = try RunningSite(
            """
            site: foobar.test
            certificate-store: Certs
            certificates: { front: { names: [foobar.test], issuer: internal } }
            gateway:
              user: nobody
              listen: [{ port: \(port), address: [127.0.0.1], tls: { certificates: [front] } }]
              routes: [{ hosts: [foobar.test], pool: web }]
              pools: { web: { servers: [{ address: 127.0.0.1, port: \(try Ports.free()) }] } }

            """,
            in: directory
        )
        _ = try run("mv", [directory.path("Certs"), directory.path("away")], in: directory)
        let answer = try site.command("upgrade")
        #expect(answer.status == 1 && answer.error.contains("is not there: mount it"), "\(answer)")
        #expect(!FileManager.default.fileExists(atPath: directory.path("Certs")))
        _ = try run("mv", [directory.path("away"), directory.path("Certs")], in: directory)
        #expect(try site.command("upgrade").status == 0)
    }

    @Test("a program that is no gatehouse is not upgraded to")
    func foreign() throws {
        let directory = try TemporaryDirectory()
        for name in ["gatehouse", "gatehouse-outbound"] {
            try FileManager.default.copyItem(
                atPath: try Gateway.binary.replacing(/gatehouse$/, with: name),
                toPath: directory.path(name)
            )
        }
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(servers: [.init(app)], in: directory, binary: directory.path("gatehouse"))
        _ = try run("mv", [directory.path("gatehouse"), directory.path("old")], in: directory)
        try FileManager.default.copyItem(atPath: "/bin/true", toPath: directory.path("gatehouse"))
        let answer = try run(
            directory.path("old"),
            ["upgrade", "--socket", directory.path("admin.sock")],
            in: directory
        )
        #expect(answer.status != 0 && answer.error.contains("it is no gatehouse"), "\(answer)")
        #expect(gateway.process.poll() == nil)
        #expect(try gateway.get().text == "app")
    }

    @Test("a data plane taken over beside a site file that cannot be served is shown, and replaced once that can")
    func standing() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let served = try gateway.dataPlane
        try gateway.loseControl()
        let taken = try Ports.free()
        var holder: Socket? = try Socket.listen(on: taken)
        var site = gateway.site
        site.listeners.append(SiteFile.plain(taken))
        let next = try Gateway(site, ports: [gateway.port], in: gateway.directory, name: "next")
        #expect(next.log.contains("the version before serves on"), "\(next.log)")
        let status = try status(next)
        #expect(status.contains("\"data_plane_pid\": \(served)") && !status.contains("\(taken)"), "\(status)")
        #expect(try next.get().text == "app")
        kill(served, SIGKILL)
        try eventually("its end is told") { next.log.contains("nothing serves until") }
        #expect(holder != nil)
        holder = nil
        try eventually("the site file is in force") { next.log.contains("the site file is in force") }
        #expect(try next.get().text == "app")
        #expect(try self.status(next).contains("\(taken)"))
    }

    @Test("what drains under a control plane that was killed keeps its place until it has ended, and gives all back")
    func draining() throws {
        let app = try ScriptedServer.tunnel()
        let gateway = try Gateway(
            servers: [.init(app, options: ["max-connections: 2"])],
            gateway: ["drain: 3s"]
        )
        let tunnel = try gateway.connect()
        let upgrade = "GET / HTTP/1.1\r\n\(Refusal.host)Connection: upgrade\r\nUpgrade: x\r\n\r\n"
        #expect(try tunnel.exchange(upgrade).status == 101)
        let old = try gateway.dataPlane
        #expect(try gateway.command("upgrade").status == 0)
        #expect(ProcessFacts(identifier: old)["Name"] != nil)
        try gateway.loseControl()
        let next = try Gateway(gateway.site, ports: [gateway.port], in: gateway.directory, name: "next")
        try eventually("it has drained") { ProcessFacts(identifier: old)["Name"] == nil }
        try eventually("what it held is given back") { try status(next).contains("\"in_flight\": 0") }
        #expect(next.log.contains("data plane \(old) has drained"), "\(next.log)")
    }
}
