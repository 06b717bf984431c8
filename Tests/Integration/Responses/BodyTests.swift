import Testing

/// Large bodies, both ways, over both codecs: every byte arrives, and memory stays bounded.
@Suite("Large bodies", .patient)
struct BodyTests {
    /// Bytes that repeat with no period that a buffer's size would have.
    private static func pattern(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    @Test("16 MiB download from nginx", arguments: ["--http1.1", "--http2"])
    func download(version: String) throws {
        let body = Self.pattern(16 << 20)
        let server = try NginxServer("nginx", files: ["big": body])
        let front = try SecureGateway([.init(server)])
        let result = try front.curl(version, "--output", front.directory.path("copy"), path: "/files/big")
        #expect(result.status == 0, "\(result.error)")
        #expect(try front.directory.contents(of: "copy") == body)
    }

    @Test(
        "16 MiB upload, with a length and chunked",
        arguments: ["--http1.1", "--http2"],
        ["", "Transfer-Encoding: chunked"]
    )
    func upload(version: String, framing: String) throws {
        let body = Self.pattern(16 << 20)
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        try front.directory.write(body, to: "big")
        // HTTP/2 has no Transfer-Encoding; without a length it is the same thing there.
        let header = framing.isEmpty ? "A: b" : version == "--http2" ? "Content-Length:" : framing
        let result = try front.curl(
            version,
            "--header",
            header,
            "--request",
            "POST",
            "--data-binary",
            "@\(front.directory.path("big"))"
        )
        #expect(result.output == "app", "\(result.error)")
        let isWhole = app.requests.first?.body == body
        #expect(isWhole)
    }

    @Test("a client that reads slowly holds its app server back, not the gateway's memory")
    func backPressure() throws {
        let sent = ByteCounter()
        let app = try ScriptedServer { peer in
            guard try peer.request()?.startLine.contains("/big") == true else { return try peer.answer("small") }
            let total = 256 << 20
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let block = [UInt8](repeating: 65, count: 1 << 20)
            while sent.value < total {
                try peer.http.socket.write(block, by: Deadline(.seconds(60)))
                sent.add(block.count)
            }
        }
        let gateway = try Gateway(app, workers: 1)
        let client = HTTPConnection(try Socket.connect(to: gateway.port, receiveBuffer: 65_536))
        try client.send("GET /big HTTP/1.1\r\n\(Refusal.host)\r\n")
        _ = try client.readHead()
        var last = -1
        try eventually("the app server is held back") {
            defer { last = sent.value }
            try? eventually("a while has passed", within: .milliseconds(300)) { false }
            return sent.value == last
        }
        // What the kernel's own buffers hold on two connections is a few MiB.
        #expect(sent.value < 64 << 20, "\(sent.value) bytes were taken from the app server and read by nobody")
        #expect(try gateway.get().text == "small")
    }
}
