import Bytes
import Testing

@testable import DemoApp

@Suite("The app server over sockets")
struct AppServerTests {
    private let conversation: Conversation
    private let client: Client

    init() throws {
        conversation = try Conversation()
        client = try conversation.connect()
    }

    private func get(_ target: String, _ fields: String = "") throws -> Response {
        try client.exchange("GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
    }

    @Test("every answer bears the server's name, on one connection")
    func answers() throws {
        let statuses = [
            ("/", 200), ("/healthz", 200), ("/bytes/5", 200), ("/slow?ms=1", 200), ("/status/418", 418),
            ("/status/204", 204), ("/status/304", 304), ("/drip?n=2&ms=1", 200), ("/no", 404), ("/bytes/x", 400),
            ("/ws", 426), ("/status/205", 205),
        ]
        for (target, status) in statuses {
            let response = try get(target)
            #expect(response.status == status, "\(target)")
            #expect(response.fields["x-served-by"] == "app-07", "\(target)")
        }
        #expect(try get("/").text.contains("<h1>app-07</h1>"))
        #expect(try get("/healthz").text == "ok\n")
        #expect(try get("/drip?n=3&ms=0").text == "3\n2\n1\n")
        #expect(try get("/slow?ms=20").text == "{\"waited_ms\":20}\n")
        #expect(try get("/no").text.hasPrefix("{\"error\":"))
        #expect(conversation.server.connections == 1)
    }

    @Test("the echo is JSON, with the fields in their order and the body")
    func echo() throws {
        let response = try client.exchange(
            "PATCH /echo?x=\"1\" HTTP/1.1\r\nHost: a\r\nX-A: \"1\\\r\nX-A: 2\r\nContent-Length: 7\r\n\r\nl1\nl\"2\n"
        )
        #expect(
            response.text == """
                {"server":"app-07","method":"PATCH","target":"/echo?x=\\"1\\"","version":"HTTP/1.1",\
                "headers":[["host","a"],["x-a","\\"1\\\\"],["x-a","2"],["content-length","7"]],\
                "length":7,"body":"l1\\nl\\"2\\n","complete":true}

                """
        )
    }

    @Test("a long body is echoed in part and said to be so")
    func longEcho() throws {
        let body = String(repeating: "x", count: 100_000)
        let response = try client.exchange(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n\(body)"
        )
        #expect(response.text.hasSuffix("x\",\"complete\":false}\n"))
        #expect(response.text.contains("\"length\":100000,"))
        #expect(response.body.count < 66_000)
    }

    @Test("an upload is counted and digested, chunked or not")
    func upload() throws {
        let json = "{\"bytes\":3,\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}\n"
        let head = "POST /upload HTTP/1.1\r\nHost: a\r\n"
        #expect(try client.exchange(head + "Content-Length: 3\r\n\r\nabc").text == json)
        let chunks = "1\r\na\r\n2;x\r\nbc\r\n0\r\nT: 1\r\n\r\n"
        #expect(try client.exchange(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks).text == json)
        try client.send(head + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.response().status == 100)
        #expect(try client.exchange("abc").text == json)
    }

    @Test("HEAD has the fields of GET and no body")
    func head() throws {
        for target in ["/", "/bytes/1000000", "/no", "/slow?ms=1", "/drip"] {
            let response = try client.exchange("HEAD \(target) HTTP/1.1\r\nHost: a\r\n\r\n", hasBody: false)
            let isDrip = target == "/drip"
            #expect((response.fields["content-length"] == nil) == isDrip, "\(target)")
        }
        #expect(try get("/healthz").text == "ok\n")
    }

    @Test("pipelined requests are answered in their order, cut anywhere")
    func pipelining() throws {
        let requests =
            "GET /bytes/70000 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            + "GET /slow?ms=1 HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        let bytes = Array(requests.utf8)
        for cut in stride(from: 0, through: bytes.count, by: 1) {
            try client.send(Array(bytes[..<cut]))
            conversation.server.turn(waitingAtMost: 0)
            try client.send(Array(bytes[cut...]))
            #expect(try client.response().body.count == 70_000)
            #expect(try client.response().text.contains("\"body\":\"hi\""))
            #expect(try client.response().text == "{\"waited_ms\":1}\n")
            #expect(try client.response().text == "ok\n")
        }
    }

    @Test("HTTP/1.0 closes unless asked not to, and is dripped on without chunks")
    func http10() throws {
        let kept = try client.exchange("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(kept.fields["connection"] == "keep-alive")
        try client.send("GET /drip?n=2&ms=1 HTTP/1.0\r\n\r\n")
        #expect(try client.takeToEnd().hasSuffix("\r\n\r\n2\n1\n"))
    }

    @Test("a client that ends its side gets its answers first")
    func halfClose() throws {
        try client.send("GET /slow?ms=20 HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes/3000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.endSending()
        #expect(try client.response().text == "{\"waited_ms\":20}\n")
        #expect(try client.response().body.count == 3_000_000)
        #expect(try client.takeToEnd() == "")
        try conversation.turn("the connection is gone") { conversation.server.connections == 0 }
    }

    @Test("what is no request is refused, and the connection closed")
    func refusal() throws {
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        let text = try client.takeToEnd()
        #expect(text.hasPrefix("HTTP/1.1 400 "))
        #expect(text.hasSuffix("{\"error\":\"duplicate-host\"}\n"))
    }

    @Test("ten gigabytes that nobody reads are not held in memory")
    func slowReader() throws {
        try client.send("GET /bytes/10000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in 0..<500 {
            conversation.server.turn(waitingAtMost: 0)
            #expect(conversation.server.bufferedBytes <= 200_000)
        }
        let start = try client.response(hasBody: false)
        #expect(start.fields["content-length"] == "10000000000")
        var taken = 0
        while taken < 50_000_000 {
            taken += try client.take(64).count
            taken += try client.take(client.received.count / 64 * 64).count
            #expect(conversation.server.bufferedBytes <= 200_000)
        }
        #expect(String(decoding: try client.take(64), as: UTF8.self).hasPrefix("0123456789 abc"))
        client.close()
        try conversation.turn("the connection is gone") { conversation.server.connections == 0 }
        #expect(conversation.server.pool.lent == 0)
    }

    @Test("a client that sends requests and reads no answers is read no further")
    func slowPipeliner() throws {
        let request = Array("GET /bytes/60000 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let flood = Array(repeating: request, count: 400).flatMap { $0 }
        try client.send(flood)
        for _ in 0..<300 {
            conversation.server.turn(waitingAtMost: 0)
            #expect(conversation.server.bufferedBytes <= 300_000)
        }
        for _ in 0..<400 { #expect(try client.response().body.count == 60_000) }
    }
}
