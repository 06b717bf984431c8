import Synchronization
import Testing

/// App servers that stop, close or reset at every point, of what they say and of what they are told.
@Suite("App servers that stall or give up", .patient)
struct StallingServerTests {
    private static let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nA: b\r\n\r\n"

    @Test("an answer that stalls at any byte is a 504 in its head and a cut connection in its body")
    func stalledAnswer() throws {
        let answer = Array((Self.head + "0123456789").utf8)
        let app = try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            guard let cut = Int(request.startLine.split(separator: " ")[1].dropFirst()) else {
                return try peer.answer("good")
            }
            try peer.http.send(Array(answer.prefix(cut)))
            peer.hold()
        }
        let gateway = try Gateway(
            app,
            pool: ["ejection: off", "retries: { attempts: 1 }"],
            gateway: ["timeouts: { server: 2s }"]
        )
        let clients = try answer.indices.map { cut in
            let client = try gateway.connect()
            try client.send("GET /\(cut) HTTP/1.1\r\n\(Refusal.host)\r\n")
            return client
        }
        #expect(try gateway.get("/good").text == "good")
        for (cut, client) in clients.enumerated() {
            if cut < Self.head.utf8.count {
                #expect(try client.readResponse().status == 504, "after \(cut) bytes")
            } else {
                #expect(throws: (any Error).self, "after \(cut) bytes") { try client.readResponse() }
            }
        }
        #expect(try gateway.get("/good").text == "good")
    }

    @Test("a server that leaves in the middle of an upload: the client learns of it and is not left waiting")
    func leftUpload() throws {
        let length = 4 << 20
        let app = try ScriptedServer { peer in
            let head = try peer.http.readHead()
            let words = head.startLine.split(separator: " ")[1].split(separator: "/")
            guard words.count == 2, let count = Int(words[1]) else { return try peer.answer("good") }
            _ = try peer.http.take(count)
            switch words[0] {
            case "reset": peer.http.socket.abort()
            case "refuse": try peer.answer("enough", status: "413 Content Too Large", fields: "Connection: close\r\n")
            default: return
            }
        }
        let gateway = try Gateway(app, pool: ["ejection: off"])
        let body = [UInt8](repeating: 65, count: length)
        for kind in ["close", "reset", "refuse"] {
            for taken in [0, 1, 1000, 100_000, length - 1] {
                let client = try gateway.connect()
                try client.send("PUT /\(kind)/\(taken) HTTP/1.1\r\n\(Refusal.host)Content-Length: \(length)\r\n\r\n")
                // The rest of the body may find the connection closed.
                try? client.send(body)
                let response = try? client.readResponse()
                // A reset by a server that has not read everything may overtake its answer.
                let allowed: [Int?] = kind == "refuse" ? [413, 502, nil] : [502, nil]
                #expect(allowed.contains(response?.status), "\(kind) after \(taken): \(response?.startLine ?? "")")
            }
        }
        #expect(try gateway.get("/good").text == "good")
    }

    @Test("an answer with bytes changed at random is passed whole, or refused, or cut; the next client gets its own")
    func mutatedAnswers() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        let dice = Mutex(Dice(seed: seed))
        let sound = [
            "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-A: b\r\n\r\nhello, world",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x\r\n, world\r\n0\r\nT: u\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nhello, world",
        ].map { Array($0.utf8) }
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/good") {
                    try peer.answer("good")
                    continue
                }
                var answer = sound[0]
                let close = dice.withLock { dice in
                    answer = sound[dice.below(sound.count)]
                    for _ in 0...dice.below(4) {
                        let place = dice.below(answer.count)
                        switch dice.below(4) {
                        case 0: answer[place] = UInt8(dice.below(256))
                        case 1: answer[place] ^= UInt8(1 << dice.below(8))
                        case 2: answer.remove(at: place)
                        default: answer.insert(answer[dice.below(answer.count)], at: place)
                        }
                    }
                    return dice.below(4) > 0
                }
                try peer.http.send(answer)
                if close { return }
            }
        }
        let gateway = try Gateway(
            app,
            pool: ["ejection: off", "retries: { attempts: 1 }"],
            gateway: ["timeouts: { server: 300ms }"],
            workers: 1
        )
        for round in 0..<300 {
            let client = try gateway.connect()
            try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
            // What the app server made of it may be anything that has the form of an answer; it is all of one answer.
            let answer = try? client.readResponse()
            // An app server that has no time for it is no mix-up.
            var good = try gateway.get("/good")
            while good.status == 504 { good = try gateway.get("/good") }
            #expect(good.text == "good", "round \(round), behind \(answer?.description ?? "a cut")")
            if good.text != "good" { break }
        }
    }
}
