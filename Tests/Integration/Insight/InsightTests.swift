import Foundation
import Testing

/// What people see: access log, status, metrics.
@Suite("Access log, status and metrics", .patient)
struct InsightTests {
    @Test("every request is one line of JSON that says who served it, how long each phase took and how it ended")
    func accessLog() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        _ = try gateway.get("/a?b=\"c\"", fields: "User-Agent: \"quoted\\\" \u{7}\r\n".replacing("\u{7}", with: ""))
        _ = try gateway.get("/missing", host: "evil.test")
        let client = try gateway.connect()
        _ = try client.exchange("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        try eventually("three lines are there: \(gateway.process.standardOutput)") { gateway.accessLog.count >= 3 }
        let text = gateway.process.standardOutput.split(separator: "\n").filter { $0.contains("status") }
        #expect(text.count >= 3, "\(text)")
        for line in text {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }
        let statuses = gateway.accessLog.compactMap { $0["status"] as? Int }
        #expect(statuses.sorted() == [200, 400, 404])
    }

    @Test("status --json names pools, servers, weights and states")
    func status() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(servers: [.init(app, weight: 3)])
        _ = try gateway.get()
        let result = try gateway.command("status", "--json")
        #expect(result.status == 0, "\(result.error)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        let text = "\(object)"
        #expect(text.contains("web") && text.contains("\(app.port)"), "\(result.output)")
        let attributes = try FileManager.default.attributesOfItem(atPath: gateway.directory.path("admin.sock"))
        #expect((attributes[.posixPermissions] as? Int) == 0o600)
        #expect(try gateway.command("status").status == 0)
    }

    @Test("status ends with 1 while a server is down or ejected, and with 0 when it was taken out on purpose")
    func statusOfServers() throws {
        let app = try ScriptedServer.named("app")
        for (setting, state) in [
            ("health: { path: /, every: 30ms, timeout: 1s, fall: 1 }", "down"),
            ("ejection: { failures: 2, pause: 60s }", "ejected"),
        ] {
            let lost = try Ports.free()
            let gateway = try Gateway(servers: [.init(app), .init(port: lost)], pool: [setting])
            var said = try gateway.command("status")
            try eventually("a server is \(state): \(said.output)") {
                _ = try gateway.get()
                said = try gateway.command("status")
                return said.output.contains(state)
            }
            #expect(said.status == 1, "\(said)")
            #expect(try gateway.command("status", "--json").status == 1)
            let server = "web/127.0.0.1:\(lost)"
            #expect(try gateway.command("server", "drain", server).status == 0)
            said = try gateway.command("status")
            #expect(said.status == 0 && said.output.contains("draining"), "\(said)")
            #expect(said.output.contains("drained by an operator; last check failed") == (state == "down"), "\(said)")
            #expect(try gateway.command("server", "ready", server).status == 0)
            #expect(try gateway.command("status").status == 1)
            #expect(try gateway.command("server", "weight", server, "0").status == 0)
            #expect(try gateway.command("status").status == 0)
        }
    }

    @Test("metrics are what Prometheus reads, and promtool finds nothing to say")
    func metrics() throws {
        let app = try ScriptedServer.named("app")
        let port = try Ports.free()
        let gateway = try Gateway(app, gateway: ["metrics: { port: \(port) }"])
        for _ in 0..<5 { _ = try gateway.get() }
        var page = ""
        try eventually("five requests are counted") {
            let response = try HTTPConnection(port: port).exchange(
                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            #expect(response.status == 200)
            page = response.text
            return page.contains("gatehouse_") && page.contains(" 5")
        }
        let check = try run("promtool", ["check", "metrics"], in: gateway.directory, input: page)
        #expect(check.status == 0, "\(check.output)\(check.error)")
        #expect(check.error.isEmpty && check.output.isEmpty, "\(check.output)\(check.error)")
    }
}
