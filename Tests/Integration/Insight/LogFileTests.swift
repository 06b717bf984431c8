import Foundation
import Testing

/// Where lines go: files that are moved away, and pipes whose readers do not read.
@Suite("Files of the log", .patient)
struct LogFileTests {
    @Test("an access log that was moved away is opened again by a reload, by SIGHUP and by SIGUSR1")
    func rotation() throws {
        let gateway = try Gateway(
            servers: [.init(try ScriptedServer.named("app"))],
            gateway: ["access-log: { path: access.log }"]
        )
        func lines(_ name: String) -> Int {
            let text = (try? gateway.directory.contents(of: name)) ?? []
            return text.count { $0 == UInt8(ascii: "\n") }
        }
        for (number, (way, signal)) in [("a reload", nil), ("SIGHUP", SIGHUP), ("SIGUSR1", SIGUSR1)].enumerated() {
            _ = try gateway.get()
            try eventually("a line is written before \(way)") { lines("access.log") > 0 }
            let current = gateway.directory.path("access.log")
            try FileManager.default.moveItem(atPath: current, toPath: "\(current).\(number)")
            if let signal {
                gateway.process.send(signal)
            } else {
                #expect(try gateway.command("reload").status == 0)
            }
            try eventually("the file is there again after \(way)") { FileManager.default.fileExists(atPath: current) }
            #expect(lines("access.log") == 0)
        }
    }

    @Test("a log that nobody reads holds up no request, no reload and no stop")
    func unreadPipe() throws {
        let directory = try TemporaryDirectory()
        let pipe = directory.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let reader = try #require(FileHandle(forUpdatingAtPath: pipe))
        let app = try ScriptedServer(remembers: false) { peer in
            while try peer.request() != nil { try peer.answer("app") }
        }
        let gateway = try Gateway(
            servers: [.init(app)],
            gateway: ["access-log: { path: pipe }"],
            workers: 1,
            in: directory
        )
        func fill() throws {
            let client = try gateway.connect()
            let path = String(repeating: "a", count: 2000)
            for _ in 0..<100 {
                #expect(try client.exchange("GET /\(path) HTTP/1.1\r\n\(Refusal.host)\r\n").status == 200)
            }
        }
        try fill()
        var other = gateway.site
        other.gateway = ["access-log: { path: access.log }"]
        try directory.write(other.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        _ = try gateway.get()
        try eventually("the other file gets its line") { try !directory.contents(of: "access.log").isEmpty }
        try directory.write(gateway.site.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        try fill()
        gateway.stop()
        #expect(try gateway.process.wait() == 0)
        try reader.close()
    }

    @Test("a pipe without a reader is an error at start, and not a start that never ends")
    func pipeWithoutReader() throws {
        let directory = try TemporaryDirectory()
        #expect(unsafe mkfifo(directory.path("pipe"), 0o600) == 0)
        let site = SiteFile(
            http: try Ports.free(),
            servers: [.init(port: 9)],
            gateway: ["access-log: { path: pipe }"]
        )
        try directory.write(site.text, to: "site.yaml")
        let result = try run(
            try Gateway.binary,
            [
                "serve", "--site", directory.path("site.yaml"), "--host", "front", "--socket",
                directory.path("admin.sock"),
            ],
            in: directory
        )
        #expect(result.status == 2 && result.error.contains("a pipe's reader must be there first"), "\(result)")
    }

    @Test("standard error that nobody reads holds up no reload and no stop")
    func unreadErrors() throws {
        let directory = try TemporaryDirectory()
        #expect(unsafe mkfifo(directory.path("errors"), 0o600) == 0)
        let reader = try #require(FileHandle(forUpdatingAtPath: directory.path("errors")))
        let port = try Ports.free()
        let app = try ScriptedServer.named("app")
        let site = SiteFile(http: port, servers: [.init(app)])
        try directory.write(site.text, to: "site.yaml")
        let script = """
            exec '\(try Gateway.binary)' serve --site site.yaml --host front --workers 1 --socket admin.sock 2> errors
            """
        let process = try ChildProcess(
            "sh",
            ["-c", "cd '\(directory.root)' && \(script)"],
            in: directory,
            name: "gatehouse"
        )
        try eventually("it serves") { (try? HTTPConnection(port: port).exchange(Self.request))?.status == 200 }
        // Each refusal says all of its hundred faults: more than a pipe holds.
        let faults = (0..<100).map { "bogus-\($0)-\(String(repeating: "x", count: 200)): 1\n" }.joined()
        try directory.write(site.text + faults, to: "site.yaml")
        for _ in 0..<5 {
            let reload = try run(
                try Gateway.binary,
                ["reload", "--socket", directory.path("admin.sock")],
                in: directory
            )
            #expect(reload.status == 2, "\(reload.status)")
        }
        #expect(try HTTPConnection(port: port).exchange(Self.request).status == 200)
        process.send(SIGTERM)
        #expect(try process.wait() == 0)
        try reader.close()
    }

    private static let request = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    @Test("a request whose client leaves before the answer has no status, whatever of one had come")
    func statusWithoutAnswer() throws {
        let app = try ScriptedServer { peer in
            let isInterim = try peer.request()?.startLine.contains("interim") ?? false
            try peer.send(isInterim ? "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-")
            peer.hold()
        }
        let metrics = try Metrics()
        let gateway = try Gateway(app, gateway: [metrics.setting])
        for target in ["/interim", "/part"] {
            let client = try gateway.connect()
            try client.send("GET \(target) HTTP/1.1\r\n\(Refusal.host)\r\n")
            try metrics.reaches("gatehouse_upstream_received_bytes_total", target == "/part" ? 60 : 40)
            client.socket.abort()
            try eventually("the request is logged") {
                gateway.accessLog.contains { $0["path"] as? String == target }
            }
            let line = try #require(gateway.accessLog.last)
            #expect(line["status"] as? Int == 0 && line["outcome"] as? String == "client-gone", "\(line)")
        }
        #expect(try metrics.value("gatehouse_pool_requests_total") == 0)
    }
}
