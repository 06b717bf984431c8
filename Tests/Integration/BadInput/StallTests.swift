import Testing

/// Clients that stop at every byte of what they have to say, all at the same time: each is let go of in time, none
/// reaches an app server with a part of a request, and the others are served meanwhile.
@Suite("Clients that stall", .patient)
struct StallTests {
    private static let timeouts = "timeouts: { client-hs: 1s, http-request: 1s, http-keep-alive: 1s, client: 1s }"

    /// Sends every prefix of `request`, each on a connection of its own, and then nothing.
    /// - Parameter answers: the statuses that one that came so far may get; anyone may be closed without a word.
    private func stall(in request: String, answers: Set<Int>) throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, gateway: [Self.timeouts])
        let bytes = Array(request.utf8)
        let clients = try bytes.indices.map { cut in
            let client = try gateway.connect()
            try client.send(Array(bytes[..<cut]))
            return client
        }
        #expect(try gateway.get().text == "app", "the others are not served")
        for (cut, client) in clients.enumerated() {
            guard let bytes = try? client.readToEnd() else {
                Issue.record("after \(cut) bytes: still open")
                continue
            }
            let said = String(decoding: bytes, as: UTF8.self)
            let status = said.isEmpty ? nil : Int(said.dropFirst(9).prefix(3)) ?? 0
            #expect(status.map(answers.contains) ?? true, "after \(cut) bytes: \(said.prefix(200))")
        }
        #expect(app.requests.count == 1, "a part of a request was taken for the whole")
        #expect(try gateway.get().text == "app")
    }

    @Test("in the head")
    func head() throws {
        try stall(in: "GET /a?b HTTP/1.1\r\n\(Refusal.host)Accept: */*\r\nX-Long: abcdef\r\n\r\n", answers: [408])
    }

    @Test("in a body with a length")
    func body() throws {
        try stall(in: "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 12\r\n\r\nhello, world", answers: [408])
    }

    @Test("in a chunked body")
    func chunkedBody() throws {
        try stall(
            in:
                "POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n",
            answers: [408]
        )
    }

    private func check(_ script: String, requests: Int = 0, protocols: String = "") throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)], protocols: protocols, gateway: [Self.timeouts])
        let result = try python(
            TLSScripts.prelude + script,
            ["\(front.secure)"],
            in: front.directory,
            within: .seconds(300)
        )
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(app.requests.count == requests, "\(app.requests)")
        #expect(try front.curl("--http1.1").output == "app")
        #expect(try front.curl("--http2").output == "app")
    }

    @Test("in the ClientHello and in the client's last flight, with either version")
    func handshake() throws {
        try check(
            """
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                made = context(version)
                length = len(Wire(made).flight())
                wires = []
                for cut in range(length):
                    wire = Wire(made)
                    wire.raw.sendall(wire.flight()[:cut])
                    wires.append((f"hello after {cut} of {length}", wire))
                all_closed(wires)
                wires, cut, last = [], 0, 1
                while cut < last:
                    wire = Wire(made)
                    wire.raw.sendall(wire.flight())
                    flight = b""
                    while not flight:
                        wire.answer()
                        flight = wire.flight()
                    last = len(flight)
                    wire.raw.sendall(flight[:cut])
                    wires.append((f"last flight after {cut} of {last}", wire))
                    cut += 1
                all_closed(wires)
            """
        )
    }

    @Test("in a record that holds a request: stalled, and cut off")
    func records() throws {
        try check(
            """
            request = b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\n"
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                made = context(version)
                for ending in ("stall", "close"):
                    wires, cut, length = [], 0, 1
                    while cut < length:
                        wire = Wire(made).shake_hands()
                        record = wire.seal(request)
                        length = len(record)
                        wire.raw.sendall(record[:cut])
                        if ending == "close":
                            wire.raw.shutdown(socket.SHUT_WR)
                        wires.append((f"{ending} after {cut} of {length}", wire))
                        cut += 1
                    all_closed(wires)
            """
        )
    }

    @Test("in HTTP/2's preface, settings and request")
    func http2() throws {
        try check(
            """
            import h2.connection
            made = context(protocols=("h2",))
            connection = h2.connection.H2Connection()
            connection.initiate_connection()
            connection.send_headers(1, [(":method", "POST"), (":scheme", "https"), (":path", "/"),
                                        (":authority", "foobar.test"), ("content-length", "5")])
            connection.send_data(1, b"hello", end_stream=True)
            said = connection.data_to_send()
            wires = []
            for cut in range(len(said)):
                wire = Wire(made).shake_hands()
                if cut:
                    wire.raw.sendall(wire.seal(said[:cut]))
                wires.append((f"after {cut} of {len(said)}", wire))
            all_closed(wires)
            """
        )
    }

    @Test("random bytes in place of a handshake, behind one, and in the middle of one")
    func randomBytes() throws {
        try check(
            """
            seed = random.randrange(1 << 32)
            print("seed", seed, flush=True)
            dice = random.Random(seed)
            wires = []
            for round in range(60):
                made = context(dice.choice([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]))
                wire = Wire(made)
                kind = round % 5
                if kind == 0:
                    said = dice.randbytes(dice.randrange(1, 20000))
                elif kind == 1:
                    # A hello with some bits turned. One that is still sound must do no more than get an answer.
                    hello = bytearray(wire.flight())
                    for _ in range(dice.randrange(1, 9)):
                        hello[dice.randrange(len(hello))] ^= 1 << dice.randrange(8)
                    said = bytes(hello)
                elif kind == 2:
                    body = dice.randbytes(dice.randrange(1, 16000))
                    said = struct.pack(">BHH", dice.choice([20, 21, 22, 23, 24]), 0x0303, len(body)) + body
                elif kind == 3:
                    wire.shake_hands()
                    said = dice.randbytes(dice.randrange(1, 20000))
                else:
                    # A sealed request with one bit turned: a record that does not authenticate.
                    wire.shake_hands()
                    record = bytearray(wire.seal(b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\n"))
                    record[dice.randrange(5, len(record))] ^= 1 << dice.randrange(8)
                    said = bytes(record)
                try:
                    wire.raw.sendall(said)
                except OSError:
                    pass
                wires.append((f"round {round}, kind {kind}", wire))
            all_closed(wires)
            """
        )
    }
}
