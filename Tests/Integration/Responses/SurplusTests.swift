import Testing

/// An app server that says more than its answer, on a connection that another request takes in the same turn of the
/// gateway's loop: nobody but the kernel can tell yet that there is more.
@Suite("Surplus of an answer, in the same turn", .patient)
struct SurplusTests {
    private static let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    /// A gateway of one worker that stands still between an answer and what comes behind it.
    private func gateway(_ app: ScriptedServer, gateway settings: [String] = []) throws -> Gateway {
        let directory = try TemporaryDirectory()
        let library = try PreloadedLibrary.make("answer-holder", in: directory)
        let port = try Ports.free()
        let site = SiteFile(http: port, servers: [.init(app, options: ["max-connections: 1"])], gateway: settings)
        return try Gateway(
            site,
            ports: [port],
            in: directory,
            workers: 1,
            environment: ["LD_PRELOAD": library]
        )
    }

    /// Says `ok` and a second answer behind it on its first connection, and `good` on all others.
    private func app(after begin: Switch = Switch(true)) throws -> ScriptedServer {
        try ScriptedServer { peer in
            while try peer.request() != nil {
                guard peer.number == 0 else {
                    try peer.answer("good")
                    continue
                }
                try eventually("it may answer", within: .seconds(120)) { begin.isOn }
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Held: "
                // The number has two digits, and so counts for itself.
                let answer = "\(head)\(head.utf8.count + 8)\r\n\r\nok"
                try peer.send(answer)
                try peer.answer("stolen")
            }
        }
    }

    @Test("a pipelined request is not answered by it")
    func pipelined() throws {
        let app = try app()
        let client = try gateway(app).connect()
        try client.send(Self.get + Self.get)
        let bodies = [try client.readResponse().text, try client.readResponse().text]
        #expect(bodies == ["ok", "good"])
        #expect(app.requestConnections == [0, 1])
    }

    @Test("nor is another client's that waited for the server")
    func queued() throws {
        let begin = Switch(false)
        let app = try app(after: begin)
        let metrics = try Metrics()
        let gateway = try gateway(app, gateway: [metrics.setting])
        let first = try gateway.connect()
        try first.send(Self.get)
        try eventually("the app server is busy") { app.requests.count == 1 }
        let second = try gateway.connect()
        try second.send(Self.get)
        try metrics.reaches("gatehouse_pool_queue_length")
        begin.turn(on: true)
        #expect(try first.readResponse().text == "ok")
        #expect(try second.readResponse().text == "good")
        #expect(app.requestConnections == [0, 1])
    }
}
