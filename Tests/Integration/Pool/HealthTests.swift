import Testing

/// Servers that go and come back: who gets the requests meanwhile.
@Suite("Health of app servers")
struct HealthTests {
    private let quick = "every: 30ms, timeout: 500ms, fall: 2, rise: 2"

    /// Answers `/healthz` as told and everything else with its name.
    private func app(_ name: String, port: UInt16? = nil, health: Switch) throws -> ScriptedServer {
        try ScriptedServer(port: port) { peer in
            while let request = try peer.request() {
                if !request.startLine.contains("/healthz") {
                    try peer.answer(name)
                } else if health.isOn {
                    try peer.answer("fine")
                } else {
                    try peer.answer("ill", status: "500 Internal Server Error")
                }
            }
        }
    }

    private func names(_ gateway: Gateway, _ count: Int = 20) throws -> Set<String> {
        Set(
            try (0..<count).map { _ in
                let response = try gateway.get()
                #expect(response.status == 200)
                return response.text
            }
        )
    }

    @Test("a server that fails its checks gets nothing, and comes back when it passes them again")
    func checks() throws {
        let health = Switch(true)
        let first = try app("first", health: health)
        let second = try app("second", health: Switch(true))
        let gateway = try Gateway(first, second, pool: ["health: { path: /healthz, \(quick) }"])
        try eventually("both serve") { try names(gateway) == ["first", "second"] }
        health.turn(on: false)
        try eventually("the other serves alone") { try names(gateway) == ["second"] }
        health.turn(on: true)
        try eventually("both serve again") { try names(gateway) == ["first", "second"] }
    }

    @Test("a server that goes away loses no request, and is used again when it is back")
    func awayAndBack() throws {
        let first = try app("first", health: Switch(true))
        let second = try app("second", health: Switch(true))
        let gateway = try Gateway(first, second, pool: ["health: { path: /healthz, \(quick) }"])
        try eventually("both serve") { try names(gateway) == ["first", "second"] }
        first.stop()
        // From the first moment: what the stopped server no longer answers, the other does.
        for _ in 0..<5 { #expect(try names(gateway).subtracting(["first", "second"]).isEmpty) }
        try eventually("the other serves alone") { try names(gateway) == ["second"] }
        let successor = try app("first", port: first.port, health: Switch(true))
        try eventually("both serve again") { try names(gateway) == ["first", "second"] }
        _ = successor
    }

    @Test("a check may ask for a body, and for nothing but a connection")
    func kinds() throws {
        for check in ["path: /healthz, body: fine", "tcp: true"] {
            let health = Switch(true)
            let first = try app("first", health: health)
            let second = try app("second", health: Switch(true))
            let gateway = try Gateway(first, second, pool: ["health: { \(check), \(quick) }"])
            try eventually("both serve, by \(check)") { try names(gateway) == ["first", "second"] }
            first.stop()
            try eventually("the other serves alone, by \(check)") { try names(gateway) == ["second"] }
        }
    }

    @Test("when all are down requests wait, and are served when a server comes")
    func queued() throws {
        let port = try Ports.free()
        let gateway = try Gateway(
            servers: [.init(port: port)],
            pool: ["health: { path: /healthz, \(quick) }", "queue: { wait: 20s, size: 10 }"]
        )
        try eventually("the server is seen to be down") {
            let status = try gateway.command("status", "--json").output
            return status.contains("down")
        }
        let client = try gateway.connect(patience: .seconds(20))
        try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
        let app = try app("late", port: port, health: Switch(true))
        let response = try client.readResponse()
        #expect(response.status == 200)
        #expect(response.text == "late")
        _ = app
    }

    @Test("when none comes in time it is a 503 that says when to ask again")
    func unavailable() throws {
        let gateway = try Gateway(
            servers: [.init(port: try Ports.free())],
            pool: ["health: { path: /healthz, \(quick) }", "queue: { wait: 300ms, size: 10 }"]
        )
        try eventually("requests are turned away") {
            let response = try gateway.get()
            #expect(response.status == 502 || response.status == 503)
            return response.status == 503 && response["retry-after"] != nil
        }
    }

    @Test("a server that fails requests is left out for a while, but never the last one")
    func ejection() throws {
        let failing = try ScriptedServer { peer in _ = try peer.request() }
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(failing, working, pool: ["ejection: { failures: 3, pause: 60s }"])
        for _ in 0..<40 { #expect(try gateway.get().text == "working") }
        let tries = failing.requests.count
        #expect(tries < 20, "the failing server was asked \(tries) times")

        let lonely = try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            if request.startLine.contains("/good") { try peer.answer("good") }
        }
        let alone = try Gateway(lonely, pool: ["ejection: { failures: 3, pause: 60s }"])
        for _ in 0..<10 { #expect(try [alone.get().status] == [502]) }
        #expect(try alone.get("/good").text == "good")
    }
}
