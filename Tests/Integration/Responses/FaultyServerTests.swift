import Testing

/// App servers that answer garbage, too much, too little, nothing, or close at every point.
@Suite("Faults of app servers", .patient)
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
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: b\u{1}c\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\rContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok",
            "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok",
            "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 100_000))\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\(String(repeating: "A: \(String(repeating: "a", count: 6000))\r\n", count: 12))\r\n",
            "HTTP/1.1 200 OK\r\n\(String(repeating: "A: b\r\n", count: 101))\r\n",
            "HTTP/1.1 200 \(String(repeating: "a", count: 100_000))\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 103 Early\nHints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 100 Continue\r\n\r\ngarbage\r\n\r\n",
        ]
    )
    func badHead(_ answer: String) throws {
        let gateway = try Gateway(app(answer), workers: 1)
        let client = try gateway.connect()
        var response = try client.exchange(Self.get)
        if response.status == 100 { response = try client.readResponse() }
        #expect(response.status == 502, "\(response)")
        // Nothing of the faulty connection is given to another client, or to this one's next request.
        #expect(try gateway.get("/good").text == "good")
    }

    @Test("closing without a word is a 502")
    func nothing() throws {
        let gateway = try Gateway(app("", close: true))
        #expect(try [gateway.get().status] == [502])
        #expect(try gateway.get("/good").text == "good")
    }

    @Test("silence is a 504, and the other connections are unharmed")
    func silence() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/good") { try peer.answer("good") } else { peer.hold() }
            }
        }
        let gateway = try Gateway(app, gateway: ["timeouts: { server: 2s }"])
        #expect(try [gateway.get().status] == [504])
        #expect(try gateway.get("/good").text == "good")
    }

    @Test("an answer cut at any byte is a 502 in its head and a cut connection in its body, never a whole answer")
    func cutEverywhere() throws {
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 20\r\nA: b\r\n\r\n0123456789abcdefghij".utf8)
        let headLength = answer.count - 20
        try checkCuts(of: answer, headLength: headLength)
    }

    @Test("the same of a chunked answer")
    func cutChunkedEverywhere() throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let answer = Array((head + "5\r\nabcde\r\n3;x\r\nfgh\r\n0\r\nT: 1\r\n\r\n").utf8)
        try checkCuts(of: answer, headLength: head.utf8.count)
    }

    /// Each prefix of `answer`, ended by a close and by a reset.
    private func checkCuts(of answer: [UInt8], headLength: Int) throws {
        let app = try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            let words = request.startLine.split(separator: " ")[1].split(separator: "/")
            guard words.count == 2, let cut = Int(words[1]) else { return try peer.answer("good") }
            try peer.http.send(Array(answer.prefix(cut)))
            if words[0] == "reset" { peer.http.socket.abort() }
        }
        let gateway = try Gateway(app, pool: ["ejection: off"], workers: 1)
        var wrong: [String] = []
        for cut in 0..<answer.count {
            for kind in ["close", "reset"] {
                let client = try gateway.connect()
                try client.send("GET /\(kind)/\(cut) HTTP/1.1\r\n\(Refusal.host)\r\n")
                // A reset may overtake bytes that were sent before it, those of the head too.
                let response = try? client.readResponse()
                let isRight =
                    response?.status == 502 ? cut < headLength || kind == "reset" : response == nil && cut >= headLength
                if !isRight { wrong.append("\(kind) after \(cut) bytes: \(response?.startLine ?? "cut off")") }
            }
        }
        #expect(wrong == [])
        #expect(try gateway.get("/good").text == "good")
    }

    @Test("an answer until the end of its connection is not whole when that was reset")
    func resetInPlaceOfEnd() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.http.readHead()
            try peer.send("HTTP/1.1 200 OK\r\n\r\nsome of it")
            _ = try peer.http.take(100_000)
            peer.http.socket.abort()
        }
        let gateway = try Gateway(app, pool: ["ejection: off"], workers: 1)
        let body = [UInt8](repeating: 97, count: 8 << 20)
        for _ in 0..<20 {
            let client = try gateway.connect()
            try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: \(body.count)\r\n\r\n")
            // What of it is not taken is the gateway's affair.
            try? client.socket.write(body, by: Deadline(.milliseconds(500)))
            #expect(throws: (any Error).self) { try client.readResponse() }
        }
    }

    @Test(
        "a chunked body that is wrong cuts the client's connection",
        arguments: [
            "g\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n",
            "0x3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "10000000000000003\r\nabc\r\n0\r\n\r\n",
            "3;\(String(repeating: "a", count: 20_000))\r\nabc\r\n0\r\n\r\n", "0\r\nA : b\r\n\r\n",
            "0\r\n\(String(repeating: "A: b\r\n", count: 101))\r\n", "0\r\n\n",
        ]
    )
    func badChunks(_ body: String) throws {
        let gateway = try Gateway(app("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + body))
        let client = try gateway.connect()
        try client.send(Self.get)
        let response = try? client.readResponse()
        #expect(response == nil || response?.status == 502, "\(String(describing: response))")
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
        let unasked = ByteCounter()
        let app = try ScriptedServer { peer in
            while try peer.request() != nil {
                try peer.answer("good")
                try? eventually("the answer is through", within: .milliseconds(30)) { false }
                try? peer.answer("stolen")
                unasked.add(1)
            }
        }
        let gateway = try Gateway(app, workers: 1)
        for round in 1...20 {
            #expect(try gateway.get().text == "good")
            // Once it is sent it waits at the gateway, before whatever comes later.
            try eventually("the unasked answer is through") { unasked.value == round }
        }
    }

    @Test("an app server that is killed in the middle of a body cuts that client off alone")
    func killed() throws {
        let body = [UInt8](repeating: 65, count: 64 << 20)
        var victim: NginxServer? = try NginxServer("victim", files: ["big": body])
        let port = try #require(victim?.port)
        let gateway = try Gateway(servers: [.init(port: port)])
        let client = try gateway.connect()
        try client.send("GET /files/big HTTP/1.1\r\n\(Refusal.host)\r\n")
        _ = try client.readHead()
        victim = nil
        #expect(throws: (any Error).self) { try client.take(body.count) }
        let survivor = try NginxServer("survivor", port: port)
        try eventually("the server is used again") { (try? gateway.get().text) == "survivor\n" }
        _ = survivor
    }
}
