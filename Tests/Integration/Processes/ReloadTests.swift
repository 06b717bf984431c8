import Foundation
import Testing

/// Another site file takes effect whole or not at all, and costs nobody a request.
@Suite("Reload", .patient)
struct ReloadTests {
    @Test("twenty reloads under load lose no request, over HTTP/1.1 and HTTP/2")
    func underLoad() throws {
        let first = try NginxServer("first")
        let second = try NginxServer("second")
        let front = try SecureGateway(
            [.init(first), .init(second)],
            tls: "unknown-name: default"
        )
        let plain = try ChildProcess(
            "wrk",
            ["-t1", "-c16", "-d4s", "--timeout", "60s", "-H", "Host: foobar.test", "http://127.0.0.1:\(front.plain)/"],
            in: front.directory,
            name: "wrk"
        )
        let secure = try ChildProcess(
            "h2load",
            ["-D4", "-c4", "-m8", "-H", ":authority: foobar.test", "https://127.0.0.1:\(front.secure)/"],
            in: front.directory,
            name: "h2load"
        )
        var site = front.gateway.site
        for round in 0..<20 {
            site.pools["web"]?.servers[0].weight = round % 3 + 1
            try front.gateway.reload(site)
            try? eventually("a while has passed", within: .milliseconds(150)) { false }
        }
        #expect(try plain.wait() == 0)
        #expect(try secure.wait() == 0)
        let report = plain.standardOutput
        #expect(report.contains("Requests/sec"))
        #expect(!report.contains("Socket errors") && !report.contains("Non-2xx"), "\(report)")
        #expect(secure.standardOutput.contains(" 0 failed, 0 errored, 0 timeout"), "\(secure.standardOutput)")
        #expect(front.gateway.process.poll() == nil, "\(front.gateway.log)")
    }

    @Test("pools, routes and listeners come and go; a connection and a tunnel stay")
    func changes() throws {
        let old = try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            if request["upgrade"] == nil { return try peer.answer("old") }
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            while true {
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
                if bytes.isEmpty { return }
                try peer.http.send(bytes)
            }
        }
        let new = try ScriptedServer.named("new")
        let gateway = try Gateway(old)
        let tunnel = try gateway.connect()
        let upgrade = "GET / HTTP/1.1\r\n\(Refusal.host)Connection: upgrade\r\nUpgrade: x\r\n\r\n"
        #expect(try tunnel.exchange(upgrade).status == 101)
        let kept = try gateway.connect()
        #expect(try kept.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").text == "old")

        var site = gateway.site
        let added = try Ports.free()
        site.pools["web"] = .init(servers: [.init(new)])
        site.listeners.append(SiteFile.plain(added))
        try gateway.reload(site)
        try eventually("the new pool serves") { try gateway.get().text == "new" }
        try eventually("the new listener serves") {
            (try? HTTPConnection(port: added).exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").text) == "new"
        }
        #expect(try kept.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").text == "new")
        try tunnel.send("ping")
        #expect(try tunnel.take(4) == Array("ping".utf8))

        site.listeners.removeLast()
        try gateway.reload(site)
        try eventually("the listener is gone") { (try? Socket.connect(to: added)) == nil }
        try tunnel.send("ping")
        #expect(try tunnel.take(4) == Array("ping".utf8))
        #expect(try gateway.get().text == "new")
    }

    @Test("a site file that is wrong is refused whole, with its line, and the old one goes on")
    func wrong() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        var broken = gateway.site
        broken.routes = ["{ hosts: [foobar.test], pool: webb }"]
        try gateway.reload(broken)
        try eventually("the error is told") { gateway.log.contains("webb") && gateway.log.contains("site.yaml:") }
        #expect(try gateway.get().text == "app")
        let answer = try gateway.command("reload")
        #expect(answer.status != 0)
        #expect((answer.error + answer.output).contains("webb"))
        #expect(try gateway.get().text == "app")
        #expect(gateway.process.poll() == nil)
    }

    @Test("gatehouse reload says when it is done")
    func command() throws {
        let old = try ScriptedServer.named("old")
        let new = try ScriptedServer.named("new")
        let gateway = try Gateway(old)
        var site = gateway.site
        site.pools["web"] = .init(servers: [.init(new)])
        try gateway.directory.write(site.text, to: "site.yaml")
        let answer = try gateway.command("reload")
        #expect(answer.status == 0, "\(answer.error)")
        #expect(try gateway.get().text == "new")
    }

    @Test("thousands of servers come and go, one reload after the other, and room does not run out")
    func manyNames() throws {
        let app = try ScriptedServer { peer in
            guard try peer.request()?.startLine.contains("/held") == true else { return try peer.answer("app") }
            peer.hold()
        }
        let gateway = try Gateway(app)
        // Under way on a server that no later configuration names: its place is not given away.
        let held = try gateway.connect()
        try held.send("GET /held HTTP/1.1\r\n\(Refusal.host)\r\n")
        try eventually("the request is under way") { app.requests.count == 1 }
        var site = gateway.site
        for round in 0..<20 {
            let passing = (0..<200).map { "        - { address: 127.9.\(round).\($0 % 250 + 1), port: \(9_000 + $0) }" }
            site.pools["pool-\(round)"] = .init(servers: [.init(port: 9)])
            site.pools["pool-\(round - 1)"] = nil
            site.pools["web"] = .init(servers: [.init(app, options: ["max-connections: \(round + 5)"])])
            let heading = "    pool-\(round):\n      servers:\n"
            let text = site.text.replacing(heading, with: heading + passing.joined(separator: "\n") + "\n")
            try gateway.directory.write(text, to: "site.yaml")
            let answer = try gateway.command("reload")
            #expect(answer.status == 0, "round \(round): \(answer.error)")
        }
        #expect(try gateway.get().text == "app")
    }

    @Test("a weight and a drain set by hand outlive a reload; a weight that the file changes wins")
    func byHand() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(servers: [.init(app, weight: 2), .init(port: try Ports.free())])
        let names = gateway.site.pools["web"]?.servers.map { "web/127.0.0.1:\($0.port)" } ?? []
        #expect(try gateway.command("server", "weight", names[0], "7").status == 0)
        #expect(try gateway.command("server", "drain", names[1]).status == 0)
        func standing() throws -> [String] {
            try gateway.command("status", "--json").output.split(separator: "\n").map(String.init).filter {
                $0.contains("\"weight\":") || $0.contains("\"drained\":")
            }.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " ,")) }
        }
        #expect(try gateway.command("reload").status == 0)
        #expect(try standing() == ["\"weight\": 7", "\"drained\": false", "\"weight\": 1", "\"drained\": true"])
        var site = gateway.site
        site.pools["web"]?.servers[0].weight = 3
        try gateway.directory.write(site.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        #expect(try standing() == ["\"weight\": 3", "\"drained\": false", "\"weight\": 1", "\"drained\": true"])
    }
}
