import Testing

/// App servers that answer garbage, too much, too little, nothing, or close at every point.
@Suite("Faults of app servers")
struct FaultyServerTests {
    private static let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    /// Answers `/good` soundly and anything else with `answer`, then closes if told so.
    private func app(_ answer: String, close: Bool = false) throws -> ScriptedServer {
        try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/good") {
                    try peer.answer("good")
                } else {
                    try peer.send(answer)
                    if close { return }
                }
            }
        }
    }

    @Test(
        "a head that is wrong is a 502",
        arguments: [
            "garbage\r\n\r\n",
            "\r\n\r\n",
            "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.2x 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 100_000))\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ]
    )
    func badHead(_ answer: String) throws {
        let gateway = try Gateway(app(answer), workers: 1)
        let client = try gateway.connect()
        let response = try client.exchange(Self.get)
        #expect(response.status == 502, "\(response)")
        // Nothing of the faulty connection is given to another client, or to this one's next request.
        #expect(try gateway.get("/good").text == "good")
    }

    @Test(
        "what comes behind an answer is never given to the next client",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was said",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
        ]
    )
    func surplus(_ answer: String) throws {
        let app = try app(answer)
        let gateway = try Gateway(app, workers: 1)
        for _ in 0..<5 {
            let first = try gateway.get()
            #expect(first.text == (first.status == 204 ? "" : "ok"))
            #expect(try gateway.get("/good").text == "good")
        }
        // The same connection of a client is no exception.
        let client = try gateway.connect()
        #expect([200, 204].contains(try client.exchange(Self.get).status))
        #expect(try client.exchange("GET /good HTTP/1.1\r\n\(Refusal.host)\r\n").text == "good")
    }

    @Test("a body behind HEAD's answer is never given to the next client")
    func surplusToHEAD() throws {
        let gateway = try Gateway(app("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"), workers: 1)
        for _ in 0..<5 {
            let client = try gateway.connect()
            #expect(try client.exchange("HEAD / HTTP/1.1\r\n\(Refusal.host)\r\n", toHEAD: true).status == 200)
            #expect(try client.exchange("GET /good HTTP/1.1\r\n\(Refusal.host)\r\n").text == "good")
        }
    }

    @Test("what an app server says unasked on an idle connection is never an answer")
    func unasked() throws {
        let app = try ScriptedServer { peer in
            while try peer.request() != nil {
                try peer.answer("good")
                try? eventually("the answer is through", within: .milliseconds(30)) { false }
                try? peer.answer("stolen")
            }
        }
        let gateway = try Gateway(app, workers: 1)
        for _ in 0..<20 {
            #expect(try gateway.get().text == "good")
            try? eventually("the unasked answer is through", within: .milliseconds(40)) { false }
        }
    }
}
