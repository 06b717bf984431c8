import Foundation
import Testing

/// What is lost when a process is killed with -9 or stands still: nothing that a client would notice.
@Suite("Loss of a process", .patient)
struct LossTests {
    private static let request = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    @Test("a data plane killed with -9 is replaced, and what queued meanwhile is served")
    func dataPlaneKilled() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        for _ in 0..<3 {
            let victim = try gateway.dataPlane
            kill(victim, SIGKILL)
            // At once, so that they queue on sockets that nobody serves at the moment.
            let clients = try (0..<20).map { _ in try gateway.connect() }
            for client in clients { try client.send(Self.request) }
            for client in clients { #expect(try client.readResponse().text == "app") }
            #expect(try gateway.dataPlane != victim)
        }
    }

    @Test("what a killed data plane held of a server and of its queue is given back, and its log lines are kept")
    func heldByTheDead() throws {
        let app = try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            if request.startLine.contains("/hold") { return peer.hold() }
            try peer.answer("app")
        }
        let gateway = try Gateway(
            servers: [.init(app, options: ["max-connections: 1"])],
            pool: ["queue: { wait: 2m }"]
        )
        #expect(try gateway.get("/logged").status == 200)
        let holder = try gateway.connect()
        try holder.send("GET /hold HTTP/1.1\r\n\(Refusal.host)\r\n")
        try eventually("the only place is taken") { app.requests.count == 2 }
        let waiting = try gateway.connect()
        try waiting.send(Self.request)
        try eventually("a request waits") { try gateway.command("status", "--json").output.contains("\"queued\": 1") }
        let victim = try gateway.dataPlane
        kill(victim, SIGKILL)
        #expect(try gateway.get("/after").text == "app")
        let status = try gateway.command("status", "--json").output
        #expect(status.contains("\"queued\": 0") && status.contains("\"in_flight\": 0"), "\(status)")
        try eventually("both lines are in the log: \(gateway.accessLog)") {
            Set(gateway.accessLog.compactMap { $0["path"] as? String }).isSuperset(of: ["/logged", "/after"])
        }
    }

    @Test("a data plane that stands still is noticed, named and replaced; who waited is served")
    func standstill() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let victim = try gateway.dataPlane
        kill(victim, SIGSTOP)
        try eventually("it stands still") { ProcessFacts(identifier: victim)["State"]?.hasPrefix("T") == true }
        let client = try gateway.connect()
        try client.send(Self.request)
        #expect(try client.readResponse().text == "app")
        #expect(try gateway.dataPlane != victim)
        #expect(gateway.log.contains("data plane \(victim): worker"), "\(gateway.log)")
        #expect(gateway.log.contains("is stuck"), "\(gateway.log)")
    }

    @Test("a control plane killed with -9: the data plane serves on, and the next control plane takes it over")
    func controlKilled() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request["upgrade"] == nil {
                    try peer.answer("app")
                    continue
                }
                try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
                while true {
                    let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
                    if bytes.isEmpty { return }
                    try peer.http.send(bytes)
                }
            }
        }
        let gateway = try Gateway(app)
        let tunnel = try gateway.connect()
        let upgrade = "GET / HTTP/1.1\r\n\(Refusal.host)Connection: upgrade\r\nUpgrade: x\r\n\r\n"
        #expect(try tunnel.exchange(upgrade).status == 101)
        let served = try gateway.dataPlane
        try gateway.loseControl()
        #expect(try gateway.get().text == "app")

        // Its admin socket is stale: a next one replaces it, and finds the data plane beside it.
        let load = try ChildProcess(
            "wrk",
            [
                "-t1", "-c4", "-d3s", "--timeout", "60s", "-H", "Host: foobar.test", "-H", "Connection: close",
                "http://127.0.0.1:\(gateway.port)/",
            ],
            in: gateway.directory,
            name: "wrk"
        )
        let next = try Gateway(gateway.site, ports: [gateway.port], in: gateway.directory, name: "next")
        #expect(next.log.contains("data plane \(served) taken over"), "\(next.log)")
        #expect(try next.dataPlane != served)
        #expect(try load.wait() == 0)
        let report = load.standardOutput
        #expect(!report.contains("Socket errors") && !report.contains("Non-2xx"), "\(report)")
        try tunnel.send("ping")
        #expect(try tunnel.take(4) == Array("ping".utf8))
        #expect(try next.get().text == "app")
        // Counts go on where they were.
        #expect(try next.command("status", "--json").status == 0)
    }

    @Test("an orphaned data plane drains and ends at SIGTERM, after the drain time of its configuration")
    func orphanTerminated() throws {
        let app = try ScriptedServer { peer in
            if try peer.request()?.startLine.contains("/hold") == true { return peer.hold() }
            try peer.answer("app")
        }
        let gateway = try Gateway(app, gateway: ["drain: 1s"])
        let holder = try gateway.connect()
        try holder.send("GET /hold HTTP/1.1\r\n\(Refusal.host)\r\n")
        try eventually("a request is under way") { app.requests.count == 1 }
        let orphan = try gateway.dataPlane
        try gateway.loseControl()
        #expect(try gateway.get().text == "app")
        try eventually("it knows that it is alone") { gateway.log.contains("the control plane is lost") }
        kill(orphan, SIGTERM)
        try eventually("new connections are refused") { (try? Socket.connect(to: gateway.port)) == nil }
        // The default is 30 s.
        try eventually("it has ended", within: .seconds(25)) { ProcessFacts(identifier: orphan)["Name"] == nil }
    }
}
