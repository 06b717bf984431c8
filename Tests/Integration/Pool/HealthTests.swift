import Synchronization
import Testing

/// Servers that go and come back: who gets the requests meanwhile.
@Suite("Health of app servers", .patient)
struct HealthTests {
    private let quick = "every: 30ms, timeout: 20s, fall: 2, rise: 2"
    /// As many retries as requests, however late a check comes on a busy machine.
    private let patient = "retries: { budget: 100% }"

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
        let gateway = try Gateway(first, second, pool: ["health: { path: /healthz, \(quick) }", patient])
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
            let gateway = try Gateway(first, second, pool: ["health: { \(check), \(quick) }", patient])
            try eventually("both serve, by \(check)") { try names(gateway) == ["first", "second"] }
            first.stop()
            try eventually("the other serves alone, by \(check)") { try names(gateway) == ["second"] }
        }
    }

    @Test("a body without the text, and a status that is not listed, take a server out")
    func wrongAnswers() throws {
        let sound = Switch(true)
        let changing = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/text") {
                    try peer.answer(sound.isOn ? "all is fine" : "all is lost")
                } else if request.startLine.contains("/status") {
                    try peer.answer("", status: sound.isOn ? "204 No Content" : "200 OK")
                } else {
                    try peer.answer("changing")
                }
            }
        }
        let steady = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/status") {
                    try peer.send("HTTP/1.1 204 No Content\r\n\r\n")
                } else {
                    try peer.answer(request.startLine.contains("/text") ? "fine" : "steady")
                }
            }
        }
        for check in ["path: /text, body: fine", "path: /status, status: [204]"] {
            sound.turn(on: true)
            let gateway = try Gateway(changing, steady, pool: ["health: { \(check), \(quick) }", patient])
            try eventually("both serve, by \(check)") { try names(gateway) == ["changing", "steady"] }
            sound.turn(on: false)
            try eventually("the other serves alone, by \(check)") { try names(gateway) == ["steady"] }
            sound.turn(on: true)
            try eventually("both serve again, by \(check)") { try names(gateway) == ["changing", "steady"] }
        }
    }

    @Test("a server that comes back begins with a small share")
    func slowStart() throws {
        let health = Switch(true)
        let returning = try app("returning", health: health)
        let steady = try app("steady", health: Switch(true))
        let metrics = try Metrics()
        let gateway = try Gateway(
            returning,
            steady,
            pool: ["health: { path: /healthz, \(quick) }", "slow-start: 10m"],
            gateway: [metrics.setting]
        )
        try eventually("both serve") { try names(gateway) == ["returning", "steady"] }
        let series = "gatehouse_server_effective_weight{pool=\"web\",server=\"127.0.0.1:\(returning.port)\"}"
        #expect(try metrics.value(series) == 1)
        health.turn(on: false)
        try eventually("the other serves alone") { try metrics.value(series) == 0 }
        health.turn(on: true)
        try eventually("it is back") { try metrics.value(series) > 0 }
        #expect(try metrics.value(series) < 0.1)
        let answers = try (0..<40).map { _ in try gateway.get().text }
        #expect((1...4).contains(answers.count { $0 == "returning" }), "\(answers)")
    }

    @Test("its share grows with its weight until it is whole")
    func ramp() throws {
        let health = Switch(true)
        let returning = try app("returning", health: health)
        let steady = try app("steady", health: Switch(true))
        let metrics = try Metrics()
        let gateway = try Gateway(
            returning,
            steady,
            pool: ["health: { path: /healthz, \(quick) }", "slow-start: 20s"],
            gateway: [metrics.setting]
        )
        let series = "gatehouse_server_effective_weight{pool=\"web\",server=\"127.0.0.1:\(returning.port)\"}"
        func weight() throws -> Double { try metrics.value(series) }
        let client = try gateway.connect()
        func share(of count: Int) throws -> Double {
            let answers = try (0..<count).map { _ in
                try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").text
            }
            return Double(answers.count { $0 == "returning" }) / Double(count)
        }
        health.turn(on: false)
        try eventually("the other serves alone") { try weight() == 0 }
        health.turn(on: true)
        try eventually("it is back") { try weight() > 0 }
        var windows: [(before: Double, share: Double, after: Double)] = []
        try eventually("it has its whole weight") {
            let before = try weight()
            windows.append((before, try share(of: 60), try weight()))
            return before == 1
        }
        // Workers go by twentieths of the weight, as it was up to a twentieth of the time ago.
        for (index, (before, share, after)) in windows.enumerated() {
            let least = max(0, min(before - 0.11, index > 0 ? windows[index - 1].before : 0))
            let slack: Double = (4 + 20 * (after - before)) / 60
            let lowest = least / (1 + least) - slack
            let highest = after / (1 + after) + slack
            #expect(share >= lowest && share <= highest, "\(windows)")
        }
        #expect(windows.contains { (0.1...0.9).contains($0.before) }, "\(windows)")
        try eventually("the shares are equal") { try share(of: 40) == 0.5 }
    }

    @Test("each ejection in a row takes longer than the one before")
    func growingPauses() throws {
        let asked = Mutex<[ContinuousClock.Instant]>([])
        let failing = try ScriptedServer { peer in
            guard try peer.request() != nil else { return }
            asked.withLock { $0.append(.now) }
        }
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(
            failing,
            working,
            pool: ["ejection: { failures: 1, pause: 1s, max-pause: 3s }", "retries: { budget: 100% }"]
        )
        try eventually("it is asked again after the third ejection", within: .seconds(120)) {
            let text = try gateway.get().text
            #expect(text == "working")
            return asked.withLock { $0.count >= 4 }
        }
        // A machine that is slow makes them longer, and never shorter.
        let times = asked.withLock { $0 }
        for (ejection, pause) in [1, 2, 3].enumerated() {
            let left = times[ejection + 1] - times[ejection]
            #expect(left > .milliseconds(1000 * pause - 100), "\(pause): \(left)")
        }
    }

    @Test("when all are down requests wait, and are served when a server comes")
    func queued() throws {
        let port = try Ports.free()
        let gateway = try Gateway(
            servers: [.init(port: port)],
            pool: ["health: { path: /healthz, \(quick) }", "queue: { wait: 2m, size: 10 }"]
        )
        try eventually("the server is seen to be down") {
            let status = try gateway.command("status", "--json").output
            return status.contains("down")
        }
        let client = try gateway.connect(patience: .seconds(120))
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

    @Test("what checks and failures have said of a server counts no more once the site file asks for neither")
    func checksNoMore() throws {
        let health = Switch(true)
        let first = try app("first", health: health)
        let second = try app("second", health: health)
        let queue = "queue: { wait: 50ms }"
        let checked = try Gateway(first, second, pool: ["health: { path: /healthz, \(quick) }", queue, patient])
        health.turn(on: false)
        try eventually("both are down") { try checked.get().status == 503 }
        var site = checked.site
        site.pools["web"]?.options = [queue, patient]
        try checked.reload(site)
        try eventually("both serve") { try checked.get().status == 200 }
        #expect(try names(checked) == ["first", "second"])
        #expect(try !checked.command("status").output.contains("down"))

        let isSound = Switch(false)
        let failing = try ScriptedServer { peer in
            while try peer.request() != nil, isSound.isOn { try peer.answer("failing") }
        }
        let ejection = "ejection: { failures: 1, pause: 10m, max-pause: 10m }"
        let ejecting = try Gateway(failing, second, pool: [ejection, patient])
        _ = try names(ejecting)
        isSound.turn(on: true)
        #expect(try names(ejecting) == ["second"])
        site = ejecting.site
        site.pools["web"]?.options = ["ejection: off", patient]
        try ejecting.reload(site)
        try eventually("both serve") { try names(ejecting) == ["failing", "second"] }
    }
}
