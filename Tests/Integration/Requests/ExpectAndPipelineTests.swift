import Testing

/// The finer points of a connection: 100-continue, pipelining, persistence, and HTTP/1.0.
@Suite("Connections of HTTP/1.1 clients", .patient)
struct ExpectAndPipelineTests {
    private let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    @Test("a client that waits for 100 Continue gets it, and its body arrives")
    func expectContinue() throws {
        let app = try ScriptedServer { peer in
            let head = try peer.http.readHead()
            if head["expect"] != nil { try peer.send("HTTP/1.1 100 Continue\r\n\r\n") }
            let body = try peer.http.take(5)
            try peer.answer(String(decoding: body, as: UTF8.self))
        }
        let client = try Gateway(app).connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readResponse().status == 100)
        try client.send("hello")
        let response = try client.readResponse()
        #expect(response.status == 200)
        #expect(response.text == "hello")
    }

    @Test("a final answer in place of 100 Continue is passed on")
    func expectRefused() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.http.readHead()
            try peer.answer("no", status: "401 Unauthorized", fields: "Connection: close\r\n")
        }
        let client = try Gateway(app).connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        var response = try client.readResponse()
        if response.status == 100 {
            try client.send("hello")
            response = try client.readResponse()
        }
        #expect(response.status == 401)
    }

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

    @Test("pipelined requests with bodies keep their bodies apart")
    func pipelinedBodies() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() { try peer.answer(request.text) }
        }
        let client = try Gateway(app).connect()
        try client.send(
            """
            POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 3\r\n\r\nonePOST / HTTP/1.1\r\n\(Refusal.host)\
            Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n\(get)
            """
        )
        #expect(try client.readResponse().text == "one")
        #expect(try client.readResponse().text == "two")
        #expect(try client.readResponse().text == "")
    }

    @Test(
        "what is pipelined behind the loss of an app server is answered, or the connection ends; it is never left waiting"
    )
    func pipelinedBehindLoss() throws {
        let app = try ScriptedServer { peer in
            // One answer a connection, closed or reset at once.
            guard let request = try peer.request() else { return }
            try peer.answer(request.text)
            if request.startLine.contains("/reset") { peer.http.socket.abort() }
        }
        let gateway = try Gateway(app, pool: ["ejection: off", "retries: { budget: 100% }"], workers: 1)
        let body = String(repeating: "a", count: 65_536)
        let post = "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        for round in 0..<40 {
            let client = try gateway.connect()
            let first = round % 2 == 0 ? get : get.replacing("GET / ", with: "GET /reset ")
            try client.send(first + post + first + post + get)
            for index in 0..<5 {
                do {
                    let answer = try client.readResponse()
                    // A POST that met the closed connection is not repeated.
                    #expect(answer.status == 200 || answer.status == 502, "\(index): \(answer)")
                    if answer.status == 200 && index % 2 == 1 { #expect(answer.text == body) }
                } catch Socket.Failure.timedOut {
                    Issue.record("round \(round): nothing comes of request \(index)")
                } catch {
                    // A reset overtook an answer, or a body could not be taken in.
                    break
                }
            }
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

    @Test(
        "an answer that the client has yet to take is not lost by what becomes of the next one, or by its own silence"
    )
    func untaken() throws {
        let body = String(repeating: "0123456789abcdef", count: 20_000)
        let cut = Switch(false)
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                guard request.startLine.contains("/cut") else {
                    try peer.answer(body)
                    continue
                }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                peer.http.socket.abort()
                return cut.turn(on: true)
            }
        }
        let gateway = try Gateway(app, gateway: ["timeouts: { http-keep-alive: 200ms, client-fin: 200ms }"])
        func client() throws -> HTTPConnection {
            let client = HTTPConnection(try Socket.connect(to: gateway.port, receiveBuffer: 4096))
            client.gateway = gateway
            return client
        }
        let pipelining = try client()
        try pipelining.send(get + "GET /cut HTTP/1.1\r\n\(Refusal.host)\r\n")
        let leaving = try client()
        try leaving.send(get)
        leaving.socket.endWriting()
        let slow = try client()
        try slow.send(get)
        // Longer than any of them may be idle.
        try? eventually("a while has passed", within: .milliseconds(700)) { false }
        for client in [pipelining, leaving, slow] { #expect(try client.readResponse().text == body) }
        try eventually("the second answer was cut") { cut.isOn }
        #expect(throws: (any Error).self) { try pipelining.readResponse() }
        #expect(try leaving.isClosedByPeer())
    }

    @Test("a client that asked for the end of the connection is not waited for")
    func endAtOnce() throws {
        let metrics = try Metrics()
        let gateway = try Gateway(try ScriptedServer.named("app"), gateway: [metrics.setting])
        let client = try gateway.connect()
        let answer = try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)Connection: close\r\n\r\n")
        #expect(answer.status == 200)
        try eventually("the gateway has closed it") {
            try metrics.value("gatehouse_client_connections_open") == 0
        }
        #expect(try metrics.value("gatehouse_timeouts_total{timeout=\"client-fin\"}") == 0)
        #expect(try client.isClosedByPeer())
    }

    @Test("a client that asked for the end and is answered before its body is whole may send the rest")
    func restOfLastBody() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.http.readHead()
            try peer.answer("no", status: "401 Unauthorized", fields: "Connection: close\r\n")
        }
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Connection: close\r\nContent-Length: 300000\r\n\r\n")
        try eventually("it is answered") { gateway.accessLog.contains { $0["status"] as? Int == 401 } }
        for _ in 0..<3 { try client.send(String(repeating: "x", count: 100_000)) }
        #expect(try client.readResponse().status == 401)
    }

    @Test("what follows a client's last request, unread, costs it nothing of the answer")
    func noiseAfterLast() throws {
        let body = String(repeating: "0123456789abcdef", count: 60_000)
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.answer(body)
        }
        let client = try Gateway(app).connect()
        let noise = String(repeating: "noise", count: 40_000)
        try client.send("GET / HTTP/1.1\r\n\(Refusal.host)Connection: close\r\n\r\n\(noise)")
        #expect(try client.readResponse().text == body)
    }

    @Test("a client that resets its connection while it waits frees the app server")
    func resets() throws {
        let freed = Switch(false)
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            peer.hold()
            freed.turn(on: true)
        }
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        try client.send(get)
        try eventually("the request is under way") { app.requests.count == 1 }
        client.socket.abort()
        try eventually("the app server's connection is closed") { freed.isOn }
        try eventually("it is logged") { gateway.accessLog.contains { $0["outcome"] as? String == "client-gone" } }
    }

    @Test("a client that resets its connection while its body waits for a server frees its place")
    func resetsInQueue() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            peer.hold()
        }
        let metrics = try Metrics()
        let gateway = try Gateway(
            servers: [.init(app, options: ["max-connections: 1"])],
            gateway: [metrics.setting]
        )
        let first = try gateway.connect()
        try first.send(get)
        try eventually("the app server is busy") { app.requests.count == 1 }
        let client = try gateway.connect()
        try client.send("PUT / HTTP/1.1\r\nHost: foobar.test\r\nContent-Length: 3\r\n\r\nab")
        try metrics.reaches("gatehouse_pool_queue_length")
        client.socket.abort()
        try eventually("it is logged") { gateway.accessLog.contains { $0["outcome"] as? String == "client-gone" } }
        #expect(try metrics.value("gatehouse_pool_queue_length") == 0)
        #expect(app.requests.count == 1)
    }

    @Test("an expectation that is not 100-continue is a 417")
    func otherExpectation() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        #expect(try front.gateway.get(fields: "Expect: tea\r\n").status == 417)
        let result = try front.curl("--http2", "--header", "Expect: tea", "--include")
        #expect(result.output.hasPrefix("HTTP/2 417"))
        #expect(app.requests.isEmpty)
    }

    @Test("100-continue over HTTP/2, granted and refused")
    func expectOverHTTP2() throws {
        let app = try ScriptedServer { peer in
            while true {
                let head = try peer.http.readHead()
                if head.startLine.contains("/refused") {
                    return try peer.answer("no", status: "401 Unauthorized", fields: "Connection: close\r\n")
                }
                try peer.send("HTTP/1.1 100 Continue\r\n\r\n")
                let body = try peer.http.take(5)
                try peer.answer(String(decoding: body, as: UTF8.self))
            }
        }
        let front = try SecureGateway([.init(app)])
        let result = try python(
            HTTP2Scripts.client + """
                client = Client()
                fields = [("content-length", "5"), ("expect", "100-continue")]
                granted = client.request("POST", "/", end=False, fields=fields)
                while not client.answers[granted].informational:
                    if not client.read(60):
                        break
                client.send(granted, b"hello", end=True)
                answer = client.finish(granted)
                print(answer.informational, answer.status, answer.body.decode(), sep="|")
                refused = client.finish(client.request("POST", "/refused", end=False, fields=fields))
                print(refused.informational, refused.status, refused.body.decode(), sep="|")
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "['100']|200|hello\n[]|401|no\n", "\(result.error)")
    }

    @Test("a client that goes away in the middle of its body leaves no whole request behind")
    func clientLeaves() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 10\r\n\r\nhalf")
        try eventually("the head arrives") { app.connectionCount == 1 }
        client.socket.abort()
        #expect(try [gateway.get().status] == [200])
        #expect(app.requests.map(\.startLine) == ["GET / HTTP/1.1"])
    }
}
