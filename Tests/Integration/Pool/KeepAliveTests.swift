import Testing

/// Connections to the app servers are used again, and not for ever.
@Suite("Keep-alive to app servers", .patient)
struct KeepAliveTests {
    @Test("requests of many clients share few connections")
    func reuse() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, workers: 1)
        for _ in 0..<50 { #expect(try [gateway.get().status] == [200]) }
        #expect(app.connectionCount == 1)
    }

    @Test("per-worker: 0 keeps none")
    func none() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, pool: ["keep-alive: { per-worker: 0 }"], workers: 1)
        for _ in 0..<10 { #expect(try [gateway.get().status] == [200]) }
        #expect(app.connectionCount == 10)
    }

    @Test("an app server that says close is taken at its word")
    func serverCloses() throws {
        let app = try ScriptedServer { peer in
            while try peer.request() != nil { try peer.answer("good", fields: "Connection: close\r\n") }
        }
        let gateway = try Gateway(app, workers: 1)
        for _ in 0..<10 { #expect(try gateway.get().text == "good") }
        #expect(app.connectionCount == 10)
    }

    @Test("an idle connection is closed after its time")
    func idle() throws {
        let closed = Switch(false)
        let app = try ScriptedServer { peer in
            while try peer.request() != nil { try peer.answer("good") }
            closed.turn(on: true)
        }
        let gateway = try Gateway(app, pool: ["keep-alive: { idle: 200ms }"], workers: 1)
        #expect(try [gateway.get().status] == [200])
        try eventually("the idle connection is closed") { closed.isOn }
        #expect(try [gateway.get().status] == [200])
        #expect(app.connectionCount == 2)
    }
}
