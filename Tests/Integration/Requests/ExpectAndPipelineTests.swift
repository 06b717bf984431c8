import Testing

/// The finer points of a connection: 100-continue, pipelining, persistence, and HTTP/1.0.
@Suite("Connections of HTTP/1.1 clients")
struct ExpectAndPipelineTests {
    private let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    @Test("pipelined requests are answered in their order, however long each takes")
    func pipelining() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                let path = request.startLine.split(separator: " ")[1]
                // The first ones take longest: an answer that overtook would show.
                if path == "/0" || path == "/1" { try? eventually("never", within: .milliseconds(60)) { false } }
                try peer.answer(String(path))
            }
        }
        let client = try Gateway(app).connect()
        try client.send((0..<10).map { "GET /\($0) HTTP/1.1\r\n\(Refusal.host)\r\n" }.joined())
        for index in 0..<10 {
            #expect(try client.readResponse().text == "/\(index)")
        }
    }

    @Test("a request pipelined behind a refused one is not served; one before it is")
    func pipelinedRefusal() throws {
        let app = try ScriptedServer.named("app")
        let client = try Gateway(app).connect()
        try client.send(get + "GET / HTTP/1.1\r\nHost : a\r\n\r\n" + get)
        #expect(try client.readResponse().status == 200)
        #expect(try client.readResponse().status == 400)
        #expect(try client.isClosedByPeer())
        #expect(app.requests.count == 1)
    }

    @Test("a connection persists, until the client asks for its end")
    func persistence() throws {
        let app = try ScriptedServer.named("app")
        let client = try Gateway(app).connect()
        for _ in 0..<20 { #expect(try client.exchange(get).status == 200) }
        let last = try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)Connection: close\r\n\r\n")
        #expect(last["connection"]?.lowercased() == "close")
        #expect(try client.isClosedByPeer())
    }

    @Test("HTTP/1.0 gets no chunks; its connection ends unless it asked otherwise")
    func http10() throws {
        let app = try ScriptedServer { peer in
            while try peer.request() != nil {
                try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
            }
        }
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        let response = try client.exchange("GET / HTTP/1.0\r\n\(Refusal.host)\r\n")
        #expect(response.values("transfer-encoding") == [])
        #expect(response.text == "abcdef")
        #expect(try client.isClosedByPeer())

        let lengthy = try ScriptedServer.named("app")
        let keeper = try Gateway(lengthy).connect()
        for _ in 0..<2 {
            let kept = try keeper.exchange("GET / HTTP/1.0\r\n\(Refusal.host)Connection: keep-alive\r\n\r\n")
            #expect(kept.status == 200)
            #expect(kept["connection"]?.lowercased() == "keep-alive")
        }
    }

    @Test("a client that stops sending after its request still gets the answer")
    func halfClose() throws {
        let app = try ScriptedServer.named("app")
        let client = try Gateway(app).connect()
        try client.send(get)
        client.socket.endWriting()
        #expect(try client.readResponse().text == "app")
    }
}
