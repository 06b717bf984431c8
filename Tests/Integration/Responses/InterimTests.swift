import Testing

/// Answers before the answer (RFC 9110 section 15.2): passed on, and not without end.
@Suite("Interim answers", .patient)
struct InterimTests {
    /// Sends `/COUNT/SIZE` that many interim answers of that size, then the final one.
    private func app() throws -> ScriptedServer {
        try ScriptedServer { peer in
            while let request = try peer.request() {
                let numbers = request.startLine.split { !$0.isNumber }.compactMap { Int($0) }
                let hint = String(repeating: "a", count: numbers[1])
                for _ in 0..<numbers[0] { try peer.send("HTTP/1.1 103 Early Hints\r\nLink: \(hint)\r\n\r\n") }
                try peer.answer("good")
            }
        }
    }

    @Test(
        "a server that goes on with them is at fault, by their number or their size, over HTTP/1.1",
        arguments: [(32, 10, 200), (33, 10, 502), (10, 4000, 200), (20, 4000, 502)]
    )
    func http1(_ count: Int, _ size: Int, _ status: Int) throws {
        let metrics = try Metrics()
        let gateway = try Gateway(app(), pool: ["ejection: off"], gateway: [metrics.setting])
        let client = try gateway.connect()
        var answer = try client.exchange("GET /\(count)/\(size) HTTP/1.1\r\n\(Refusal.host)\r\n")
        var interim = 0
        while answer.status == 103 {
            interim += 1
            answer = try client.readResponse()
        }
        #expect(answer.status == status)
        #expect(status == 200 ? interim == count : interim < count && interim > 10)
        // A client of HTTP/1.0 is sent none; the server is held to the same.
        let old = try gateway.connect().exchange("GET /\(count)/\(size) HTTP/1.0\r\n\(Refusal.host)\r\n")
        #expect(old.status == status)
        if status == 502 {
            try metrics.reaches("gatehouse_http_requests_refused_total{reason=\"too-many-interim-answers\"}", 2)
        }
    }

    @Test(
        "so it is over HTTP/2",
        arguments: [(32, 10, "200 32 end"), (33, 10, "502 32 end"), (20, 4000, "502 16 end")]
    )
    func http2(_ count: Int, _ size: Int, _ outcome: String) throws {
        let front = try SecureGateway([.init(try app())], pool: ["ejection: off"])
        let result = try python(
            HTTP2Scripts.client + """
                answer = (client := Client()).finish(client.request("GET", sys.argv[2]))
                print(answer.status, len(answer.informational), answer.outcome)
                """,
            ["\(front.secure)", "/\(count)/\(size)"],
            in: front.directory
        )
        #expect(result.output == outcome + "\n", "\(result.error)")
    }
}
