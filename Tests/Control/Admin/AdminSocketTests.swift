import Control
import Glibc
import Linux
import Site
import Synchronization
import Testing

@Suite("The admin socket")
struct AdminSocketTests {
    private let path = "/tmp/gatehouse-admin-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"

    @Test("requests are read as they are written, and nothing else is one")
    func requests() {
        let all: [AdminRequest] = [
            .status, .reload, .upgrade, .drain(server: "web/app-01"), .ready(server: "web/app-01"),
            .weight(server: "web/app-01", 256), .certificates(of: nil), .certificates(of: []),
            .certificates(of: ["web", "www"]), .uses(certificate: "web"), .wish(certificate: "web"),
            .renewTickets,
        ]
        for request in all {
            #expect(AdminRequest(line: request.line) == request)
            // Who says something else is told of each.
            for word in request.line.split(separator: " ").prefix(2) where !["web", "web/app-01"].contains(word) {
                #expect(AdminRequest.words.contains(word), "\(word)")
            }
        }
        for line in [
            "", " ", "stat", "status now", "server", "server drain", "server drain web", "server drain /app",
            "server drain a/b/c", "server weight web/app", "server weight web/app -1", "server weight web/app 257",
            "server weight web/app x", "server explode web/app",
        ] {
            #expect(AdminRequest(line: line) == nil, "\(line)")
        }
    }

    @Test("a reply is one line of JSON, whatever the text holds")
    func replies() {
        #expect(AdminReply.result("[1]").line == #"{"exit":0,"result":[1]}"#)
        #expect(
            AdminReply.error("a \"b\"\n\\\u{1}", exit: 3).line == #"{"exit":3,"error":"a \"b\"\n\\\u0001"}"#
        )
    }

    @Test("who may not ask is not told to start a second gateway, nor is who comes while it is busy")
    func advice() {
        func advice(_ code: Int32) -> String { AdminClient.advice(for: SystemError("connect", code)) }
        for code in [ENOENT, ECONNREFUSED] { #expect(advice(code).contains("gatehouse serve")) }
        #expect(advice(EACCES).contains("sudo") && !advice(EACCES).contains("serve"))
        #expect(advice(EAGAIN).contains("try again") && !advice(EAGAIN).contains("serve"))
    }

    @Test("a request is answered, a second gateway of the name is refused, and the file goes with the socket")
    func exchange() throws {
        let admin = try AdminSocket(path: path)
        try admin.start { request, _ in .result(JSONValue.string(request.line).line) }
        let reply = try AdminClient.ask(.drain(server: "web/app-01"), at: path, within: 60_000)
        #expect(reply == #"{"exit":0,"result":"server drain web/app-01"}"#)
        #expect(throws: SystemError("bind(\(path))", EADDRINUSE)) {
            _ = try AdminSocket(path: path)
        }
        admin.stop()
        #expect(throws: SystemError("connect(\(path))", ENOENT)) {
            _ = try AdminClient.ask(.status, at: path, within: 100)
        }
    }

    @Test("who asks while the program is replaced is answered by the next one")
    func adopted() throws {
        let before = try AdminSocket(path: path)
        let waiting = try UnixSocket.connect(to: path)
        #expect(LineTransfer.send("status", to: waiting.raw, within: 60_000))
        let next = try AdminSocket(path: path, adopting: before.segment())
        try next.start { request, _ in .result(JSONValue.string(request.line).line) }
        #expect(
            LineTransfer.receive(waiting.raw, limit: 1_000, within: 60_000) == #"{"exit":0,"result":"status"}"#
        )
        next.stop()
    }

    @Test("who was let in before an upgrade is answered before it, and a second upgrade is told of the first")
    func upgrades() throws {
        let admin = try AdminSocket(path: path)
        let asked = Mutex<[String]>([])
        try admin.start { request, _ in
            asked.withLock { $0.append(request.line) }
            return .result(JSONValue.string(request.line).line)
        }
        defer { admin.stop() }
        var answers: [String] = []
        // Who is too slow with a line is let go of.
        for _ in 0..<10 {
            let clients = try (0..<3).map { _ in Held(try UnixSocket.connect(to: path)) }
            // Those who came before it are let in when it is answered.
            _ = try AdminClient.ask(.status, at: path, within: 60_000)
            asked.withLock { $0 = [] }
            for (client, line) in zip(clients, ["upgrade", "upgrade", "status"]) {
                _ = LineTransfer.send(line, to: client.raw, within: 60_000)
            }
            answers = clients.map { LineTransfer.receive($0.raw, limit: 1_000, within: 60_000) ?? "" }
            if !answers.contains("") { break }
        }
        try #require(answers.count == 3)
        #expect(answers[0] == #"{"exit":0,"result":"upgrade"}"#)
        #expect(answers[1].hasPrefix(#"{"exit":1,"error":"an upgrade is under way"#), "\(answers[1])")
        #expect(answers[2] == #"{"exit":0,"result":"status"}"#)
        #expect(asked.withLock { $0 } == ["status", "upgrade"])
    }

    @Test("a gateway that closes without an answer has not let the time pass")
    func closing() throws {
        let listener = try UnixSocket.listen(at: path)
        defer { FileWriting.remove(path) }
        let raw = listener.raw
        let thread = try Thread.start(name: "closing") {
            for _ in 0..<3 {
                _ = Readiness.wait([raw], milliseconds: 60_000)
                do { _ = try UnixSocket.accept(raw) } catch { return }
            }
        }
        for request in [AdminRequest.upgrade, .status] {
            #expect(throws: SystemError("answer from \(path)", ECONNRESET)) {
                _ = try AdminClient.ask(request, at: path, within: 60_000)
            }
        }
        thread.join()
    }

    @Test("garbage, a line without end and a client that says nothing hold nobody else up for long")
    func rude() throws {
        let admin = try AdminSocket(path: path)
        try admin.start { _, _ in .result("true") }
        defer { admin.stop() }
        let silent = try UnixSocket.connect(to: path)
        let garbage = try UnixSocket.connect(to: path)
        #expect(LineTransfer.send("server \u{7F} drain", to: garbage.raw, within: 60_000))
        let endless = try UnixSocket.connect(to: path)
        _ = LineTransfer.send(String(repeating: "x", count: 10_000), to: endless.raw, within: 60_000)
        #expect(try AdminClient.ask(.status, at: path, within: 30_000) == #"{"exit":0,"result":true}"#)
        #expect(
            LineTransfer.receive(garbage.raw, limit: 1_000, within: 60_000)?.hasPrefix(#"{"exit":2,"error":"#) == true
        )
        #expect(LineTransfer.receive(endless.raw, limit: 1_000, within: 1_000) == nil)
        #expect(LineTransfer.receive(silent.raw, limit: 1_000, within: 1_000) == nil)
    }

    @Test("a crowd that says nothing shuts nobody out")
    func crowd() throws {
        let admin = try AdminSocket(path: path)
        try admin.start { _, _ in .result("true") }
        defer { admin.stop() }
        let crowd = try (0..<60).map { _ in Held(try UnixSocket.connect(to: path)) }
        // One after the other, they would have two minutes.
        #expect(try AdminClient.ask(.status, at: path, within: 60_000) == #"{"exit":0,"result":true}"#)
        #expect(crowd.count == 60)
    }

    private final class Held {
        private let socket: FileDescriptor

        init(_ socket: consuming FileDescriptor) { self.socket = socket }

        var raw: Int32 { socket.raw }
    }

    @Test("a line that comes byte by byte is a request")
    func pieces() throws {
        let admin = try AdminSocket(path: path)
        try admin.start { request, _ in .result(JSONValue.string(request.line).line) }
        defer { admin.stop() }
        let client = try UnixSocket.connect(to: path)
        for byte in "status\n".utf8 {
            let raw = client.raw
            #expect(unsafe withUnsafePointer(to: byte) { unsafe send(raw, $0, 1, Int32(MSG_NOSIGNAL)) } == 1)
        }
        #expect(
            LineTransfer.receive(client.raw, limit: 1_000, within: 60_000) == #"{"exit":0,"result":"status"}"#
        )
    }

    @Test("signals have their meaning")
    func signals() async {
        await #expect(processExitsWith: .exitCode(9)) {
            let signals = try ControlSignal.take()
            let expected: [(Int32, ControlSignal)] = [
                (SIGHUP, .reload), (SIGTERM, .stop), (SIGINT, .stop), (SIGUSR2, .upgrade),
            ]
            for (number, meaning) in expected {
                pthread_kill(pthread_self(), number)
                guard ControlSignal.next(signals, milliseconds: 1_000) == meaning else { _exit(1) }
            }
            guard ControlSignal.next(signals, milliseconds: 0) == nil else { _exit(2) }
            _exit(9)
        }
    }
}
