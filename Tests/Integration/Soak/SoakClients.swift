/// One turn of each kind of client. Each throws when an answer is not what it must be.
struct SoakClients: Sendable {
    let plain: UInt16
    let secure: UInt16
    /// What `/files/page` is.
    let page: [UInt8]

    private func connect() throws -> HTTPConnection { try HTTPConnection(port: plain) }

    /// A connection for one request.
    func newConnection(_ dice: inout Dice) throws {
        let answer = try connect().exchange("GET / HTTP/1.1\r\n\(Refusal.host)Connection: close\r\n\r\n")
        guard answer.status == 200, ["steady\n", "mortal\n"].contains(answer.text) else {
            throw HarnessError("\(answer) \(answer.text.prefix(200))")
        }
    }

    /// A few downloads on one connection, read at leisure.
    func download(_ dice: inout Dice) throws {
        let connection = try connect()
        for _ in 0...dice.below(4) {
            let answer = try connection.exchange("GET /files/page HTTP/1.1\r\n\(Refusal.host)\r\n")
            guard answer.status == 200, answer.body == page else { throw HarnessError("\(answer)") }
        }
    }

    /// A few uploads on one connection, with a length or in chunks.
    func upload(_ dice: inout Dice) throws {
        let connection = try connect()
        for _ in 0...dice.below(4) {
            let body = [UInt8](repeating: 65, count: dice.below(300_000))
            var head = "PUT /echo HTTP/1.1\r\n\(Refusal.host)"
            if dice.below(2) == 0 {
                head += "Content-Length: \(body.count)\r\n\r\n"
                try connection.send(head)
                try connection.send(body)
            } else {
                head += "Transfer-Encoding: chunked\r\n\r\n"
                try connection.send(head)
                var rest = body[...]
                while !rest.isEmpty {
                    let part = rest.prefix(dice.below(60_000) + 1)
                    rest = rest.dropFirst(part.count)
                    try connection.send("\(String(part.count, radix: 16))\r\n")
                    try connection.send(Array(part) + [13, 10])
                }
                try connection.send("0\r\n\r\n")
            }
            let answer = try connection.readResponse()
            guard answer.status == 200, answer.text == "\(body.count)" else {
                throw HarnessError("\(answer) \(answer.text.prefix(200)) to \(body.count) bytes")
            }
        }
    }

    /// An upgraded connection: what goes out comes back, across reloads.
    func tunnel(_ dice: inout Dice) throws {
        let connection = try connect()
        let answer = try connection.exchange(
            "GET /echo HTTP/1.1\r\n\(Refusal.host)Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        guard answer.status == 101 else { throw HarnessError("\(answer)") }
        for _ in 0..<(5 + dice.below(10)) {
            let bytes = (0..<(dice.below(20_000) + 1)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try connection.send(bytes)
            guard try connection.take(bytes.count) == bytes else { throw HarnessError("other bytes in a tunnel") }
            try? eventually("a while has passed", within: .milliseconds(dice.below(60))) { false }
        }
        if dice.below(2) == 0 { connection.socket.abort() }
    }

    /// A client that goes away at some point of a request, a handshake or an answer, one way or another.
    func leave(_ dice: inout Dice) throws {
        let isSecure = dice.below(3) == 0
        let connection = try HTTPConnection(port: isSecure ? secure : plain)
        let request = Array("PUT /echo HTTP/1.1\r\n\(Refusal.host)Content-Length: 100\r\n\r\nabc".utf8)
        switch dice.below(4) {
        case 0:
            try connection.send((0..<dice.below(400)).map { _ in UInt8(dice.below(256)) })
        case 1:
            try connection.send(Array(request.prefix(dice.below(request.count))))
        case 2 where !isSecure:
            try connection.send("GET /files/page HTTP/1.1\r\n\(Refusal.host)\r\n")
            _ = try connection.take(dice.below(100_000))
        default:
            // The start of a ClientHello.
            try connection.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + (0..<dice.below(300)).map { _ in 7 })
        }
        if dice.below(2) == 0 { connection.socket.abort() }
    }
}
