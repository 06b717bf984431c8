import Testing

/// The address for metrics comes, moves and goes by reload and upgrade, and nothing is left where it was.
@Suite("The metrics' address", .patient)
struct MetricsAddressTests {
    private let one: Metrics
    private let other: Metrics
    private let gateway: Gateway

    init() throws {
        one = try Metrics()
        other = try Metrics()
        gateway = try Gateway(ScriptedServer.named("app"), gateway: [one.setting])
    }

    /// Has another site file take effect; it has when this returns.
    private func change(by command: String = "reload", _ edit: (inout SiteFile) -> Void) throws {
        var site = gateway.site
        edit(&site)
        try gateway.directory.write(site.text, to: "site.yaml")
        let answer = try gateway.command(command)
        #expect(answer.status == 0, "\(command): \(answer.error)")
    }

    private func expect(_ when: String, open: Metrics?) throws {
        let table = TCPTable()
        for metrics in [one, other] {
            let isOpen = metrics.port == open?.port
            #expect(table.listening(on: metrics.port) == (isOpen ? 1 : 0), "\(metrics.port) \(when)")
            if !isOpen { #expect((try? Socket.connect(to: metrics.port)) == nil, "\(metrics.port) \(when)") }
        }
        // Two sockets would share the connections.
        for _ in 0..<4 { if let open { #expect(try open.value("gatehouse_build_info") == 1, "\(when)") } }
    }

    @Test("moved, removed and moved back by reloads, around an upgrade as well: one socket or none")
    func moves() throws {
        try expect("at the start", open: one)
        let silent = try HTTPConnection(port: one.port, patience: .seconds(60))
        // Taken from the queue: connections are, in their order.
        _ = try one.page()
        try change { $0.gateway = [other.setting] }
        try expect("moved", open: other)
        #expect(try silent.socket.read(by: Deadline(.seconds(60))).isEmpty)
        try change { $0.gateway = [] }
        try expect("removed", open: nil)
        try change { $0.gateway = [one.setting] }
        try expect("moved back", open: one)
        try change(by: "upgrade") { $0.gateway = [one.setting] }
        try expect("upgraded", open: one)
        try change { $0.gateway = [other.setting] }
        try expect("moved after an upgrade", open: other)
        try change(by: "upgrade") { $0.gateway = [one.setting] }
        try expect("moved with an upgrade", open: one)
        try change(by: "upgrade") { $0.gateway = [] }
        try expect("removed with an upgrade", open: nil)
    }

    @Test("one address is exchanged for all, and the ports of a listener and the metrics for each other")
    func exchanges() throws {
        try change { $0.gateway = ["metrics: { port: \(one.port), address: 0.0.0.0 }"] }
        try expect("on all addresses", open: one)
        try change { $0.gateway = [one.setting] }
        try expect("on one again", open: one)
        let listener = gateway.port
        try change {
            $0.listeners = [SiteFile.plain(one.port)]
            $0.gateway = ["metrics: { port: \(listener) }"]
        }
        try eventually("the listener has moved", within: .seconds(60)) {
            let answer = try? HTTPConnection(port: one.port).exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
            return answer?.text == "app" && TCPTable().listening(on: listener) == 1
        }
        let answer = try HTTPConnection(port: listener).exchange("GET /metrics HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(answer.text.contains("gatehouse_build_info"))
    }
}
