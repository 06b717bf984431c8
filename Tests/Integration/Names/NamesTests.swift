import Foundation
import Glibc
import Testing

/// App servers that the site file names by DNS.
@Suite("DNS names of app servers", .patient)
struct NamesTests {
    private let directory: TemporaryDirectory
    private let port: UInt16

    init() throws {
        directory = try TemporaryDirectory()
        port = try Ports.free()
    }

    private func site(_ servers: [String], dns: NameServerTool) -> String {
        """
        site: names.test
        gateway:
          user: nobody
          name-servers: 127.0.0.1:\(dns.port)
          listen: [{ port: \(port), address: 127.0.0.1 }]
          routes: [{ hosts: "*", pool: web }]
          pools:
            web:
              queue: { wait: 100ms }
              servers:
        \(servers.map { "        - { \($0) }" }.joined(separator: "\n"))

        """
    }

    private func get() -> String? {
        try? HTTPConnection(port: port).exchange("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n").text
    }

    /// A start waits for addresses, and a reload does, though not for long: on a slow machine they come a little later.
    private func expectServed() throws {
        try eventually("the address is known, and served") { get() == "app" }
    }

    @Test("a name is served from the start, and where it moves to as its TTL says, without a reload")
    func moves() throws {
        let app = try ScriptedServer.named("app")
        let dns = try NameServerTool("app.test 127.0.0.1 1\n", in: directory)
        let gateway = try RunningSite(
            site(["name: app.test, port: \(app.port)"], dns: dns),
            in: directory
        )
        try expectServed()
        // Nobody listens there.
        try dns.write("app.test 127.0.0.9 1\n")
        try eventually("it is asked for there") { get() != "app" }
        try dns.write("app.test 127.0.0.1 1\n")
        try eventually("it is back") { get() == "app" }
        #expect(gateway.log.contains("app.test is at 127.0.0.9, no longer 127.0.0.1"), "\(gateway.log)")
        // It may be left out for a while yet, for the requests that failed at the other place.
        let status = try gateway.command("status", "--json")
        #expect(status.output.contains("\"address\": \"127.0.0.1:\(app.port)\""), "\(status)")
    }

    @Test("while a name moves no request fails: what is under way ends where it began, the rest goes to the new place")
    func movesUnderRequests() throws {
        let mayAnswer = Switch(false)
        let old = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/held") {
                    try eventually("it may answer", within: .seconds(120)) { mayAnswer.isOn }
                }
                try peer.answer("old")
            }
        }
        let new = try ScriptedServer.named("new", port: old.port, of: "127.0.0.2")
        let dns = try NameServerTool("app.test 127.0.0.1 1\n", in: directory)
        let gateway = try RunningSite(site(["name: app.test, port: \(old.port)"], dns: dns), in: directory)
        try eventually("the address is known, and served") { get() == "old" }
        let held = try HTTPConnection(port: port, patience: .seconds(120))
        try held.send("GET /held HTTP/1.1\r\nHost: x.test\r\n\r\n")
        try eventually("it is under way") { old.requests.contains { $0.startLine.contains("/held") } }
        let kept = try HTTPConnection(port: port)
        /// Who answered a request on a connection that stays, and one on a new one.
        func answers() throws -> Set<String> {
            let responses = try [
                kept.exchange("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n"),
                HTTPConnection(port: port).exchange("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1\r\n\r\nx"),
            ]
            #expect(responses.allSatisfy { $0.status == 200 }, "\(responses)")
            return Set(responses.map(\.text))
        }
        try dns.write("app.test 127.0.0.2 1\n")
        try eventually("all are answered at the new place") {
            try (0..<20).allSatisfy { _ in try answers() == ["new"] }
        }
        old.stop()
        for _ in 0..<20 { #expect(try answers() == ["new"]) }
        mayAnswer.turn(on: true)
        #expect(try held.readResponse().text == "old")
        #expect(!new.requests.isEmpty && gateway.log.contains("app.test is at 127.0.0.2, no longer 127.0.0.1"))
    }

    @Test("a name that cannot be resolved keeps nobody from starting; its server is down, and status says why")
    func unresolved() throws {
        let app = try ScriptedServer.named("app")
        let dns = try NameServerTool("", in: directory)
        let servers = ["name: gone.test, port: \(app.port)", "address: 127.0.0.1, port: \(app.port)"]
        let gateway = try RunningSite(site(servers, dns: dns), in: directory)
        #expect(get() == "app")
        try eventually("status says why it is down") {
            let status = try gateway.command("status")
            return status.status == 1 && status.output.contains("there is no such name (NXDOMAIN)")
        }
        try dns.write("gone.test 127.0.0.1 60\n")
        try eventually("it is there") { try gateway.command("status").status == 0 }
        #expect(get() == "app")
    }

    @Test("what is known outlives the helper, the data plane and the name server")
    func losses() throws {
        let app = try ScriptedServer.named("app")
        let dns = try NameServerTool("app.test 127.0.0.1 1\n", in: directory)
        let gateway = try RunningSite(
            site(["name: app.test, port: \(app.port)"], dns: dns),
            in: directory
        )
        try expectServed()
        try dns.write("")
        try eventually("the failure is told") { gateway.log.contains("it stays at 127.0.0.1") }
        for child in gateway.process.children { kill(child, SIGKILL) }
        try eventually("it serves again") { get() == "app" }
        try dns.write("app.test 127.0.0.9 1\n")
        try eventually("a new helper asks") { gateway.log.contains("app.test is at 127.0.0.9") }
    }

    @Test("addresses outlive an upgrade, a reload that fails and a control plane, also when nobody answers any more")
    func silence() throws {
        let app = try ScriptedServer.named("app")
        let dns = try NameServerTool("app.test 127.0.0.1 1\n", in: directory)
        let named = site(["name: app.test, port: \(app.port)"], dns: dns)
        let gateway = try RunningSite(named, in: directory)
        try expectServed()
        try dns.write("")
        try eventually("the failure is told") { gateway.log.contains("it stays at 127.0.0.1") }
        let upgrade = try gateway.command("upgrade")
        #expect(upgrade.status == 0, "\(upgrade)")
        for _ in 0..<5 { #expect(get() == "app") }
        // The port that the second listener wants is taken: the names of the old configuration are wanted again.
        let taken = "listen: [{ port: \(port), address: 127.0.0.1 }, { port: \(app.port), address: 127.0.0.1 }]"
        try directory.write(
            named.replacing(/listen: .*/, with: taken).replacing("app.test,", with: "other.test,"),
            to: "site.yaml"
        )
        #expect(try gateway.command("reload").status == 3)
        try directory.write(named, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        for _ in 0..<5 { #expect(get() == "app", "\(gateway.log)") }
    }

    @Test("a reload takes names up and lets go of them; an upgrade leaves no helper behind")
    func reload() throws {
        let app = try ScriptedServer.named("app")
        let dns = try NameServerTool("app.test 127.0.0.1 1\n", in: directory)
        let fixed = site(["address: 127.0.0.1, port: \(app.port)"], dns: dns)
        let named = site(["name: app.test, port: \(app.port)"], dns: dns)
        let gateway = try RunningSite(fixed, in: directory)
        let alone = gateway.process.children.count
        try directory.write(named, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        try expectServed()
        #expect(gateway.process.children.count == alone + 1)
        let upgrade = try gateway.command("upgrade")
        #expect(upgrade.status == 0, "\(upgrade)")
        #expect(get() == "app")
        try eventually("data plane and helper are all there is") {
            gateway.process.children.count == alone + 1 && zombies(of: gateway).isEmpty
        }
        try directory.write(fixed, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        try eventually("the helper is gone") { gateway.process.children.count == alone }
    }

    /// Processes that ended and that nobody asked after.
    private func zombies(of gateway: RunningSite) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { Int32($0) != nil }.filter { process in
            let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
            let words = stat.split(separator: ")").last?.split(separator: " ") ?? []
            return words.count > 1 && words[0] == "Z" && words[1] == "\(gateway.process.identifier)"
        }
    }
}
