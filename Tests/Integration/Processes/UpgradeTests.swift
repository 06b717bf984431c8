import Foundation
import Testing

/// Another binary takes over, and nobody notices.
@Suite("Upgrade", .patient)
struct UpgradeTests {
    @Test("an upgrade under load refuses no connection and fails no request")
    func underLoad() throws {
        let app = try NginxServer("app")
        let gateway = try Gateway(servers: [.init(app)])
        let load = try ChildProcess(
            "wrk",
            [
                "-t1", "-c8", "-d4s", "--timeout", "60s", "-H", "Host: foobar.test", "-H", "Connection: close",
                "http://127.0.0.1:\(gateway.port)/",
            ],
            in: gateway.directory,
            name: "wrk"
        )
        let before = gateway.process.children
        let answer = try gateway.command("upgrade")
        #expect(answer.status == 0, "\(answer.error)")
        try eventually("the processes are others") {
            let now = gateway.process.children
            return gateway.process.poll() != nil || !now.isEmpty && Set(now).isDisjoint(with: before)
        }
        #expect(try load.wait() == 0)
        let report = load.standardOutput
        #expect(!report.contains("Socket errors") && !report.contains("Non-2xx"), "\(report)")
        #expect(try [gateway.get().status] == [200])
    }

    @Test("a session of before resumes after an upgrade, a data plane's death, and a control plane's")
    func tickets() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        func session(_ version: String, _ option: String) throws -> TLSSession {
            try TLSSession(
                port: front.secure,
                ["-\(version)", option, front.directory.path("session-\(version)")],
                in: front.directory
            )
        }
        func resumes(_ when: String) throws {
            for version in ["tls1_2", "tls1_3"] {
                let later = try session(version, "-sess_in")
                #expect(later.succeeded && later.isResumed, "\(version) \(when): \(later.text)")
                // A ticket of TLS 1.3 is for one use; the next one is sealed by whoever serves now.
                #expect(try session(version, "-sess_out").succeeded)
            }
        }
        for version in ["tls1_2", "tls1_3"] { #expect(try session(version, "-sess_out").succeeded) }
        let answer = try front.gateway.command("upgrade")
        #expect(answer.status == 0, "\(answer.error)")
        try resumes("after an upgrade")
        let killed = try front.gateway.dataPlane
        kill(killed, SIGKILL)
        try eventually("there is another data plane") {
            let now = front.gateway.process.children
            return !now.isEmpty && !now.contains(killed)
        }
        try resumes("after the data plane was killed")
        try front.gateway.loseControl()
        try resumes("while there is no control plane")
        let next = try Gateway(
            front.gateway.site,
            ports: [front.plain, front.secure],
            in: front.directory,
            name: "next"
        )
        #expect(next.log.contains("adopted") || next.log.contains("taken over"), "\(next.log)")
        try resumes("after another control plane took over")
    }

    @Test("a binary in another place takes over, with what was set by hand, and hands on to the next")
    func otherBinary() throws {
        let (one, two) = (try ScriptedServer.named("one"), try ScriptedServer.named("two"))
        let directory = try TemporaryDirectory()
        for name in ["gatehouse", "gatehouse-outbound"] {
            try FileManager.default.copyItem(
                atPath: try Gateway.binary.replacing(/gatehouse$/, with: name),
                toPath: directory.path(name)
            )
        }
        let gateway = try Gateway(
            servers: [.init(one), .init(two)],
            in: directory,
            binary: directory.path("gatehouse")
        )
        #expect(try gateway.command("server", "drain", "web/127.0.0.1:\(two.port)").status == 0)
        #expect(try gateway.get().text == "one")
        /// Requests to the servers of the pool.
        func count() throws -> Int {
            let status = try gateway.command("status", "--json").output
            let pools = try #require(status.split(separator: "\"pools\"").last)
            return pools.matches(of: /"requests": (\d+)/).compactMap { Int($0.1) }.reduce(0, +)
        }
        let before = try count()
        // As a package manager does it: a new file takes the old one's name. As people do it: the old one goes first.
        for isMovedAway in [false, true] {
            if isMovedAway {
                _ = try run("mv", [directory.path("gatehouse"), directory.path("gatehouse.bak")], in: directory)
            }
            try FileManager.default.copyItem(atPath: try Gateway.binary, toPath: directory.path("new"))
            _ = try run("mv", ["-f", directory.path("new"), directory.path("gatehouse")], in: directory)
            let answer = try gateway.command("upgrade")
            #expect(answer.status == 0, "\(answer)")
            #expect(answer.output.contains("of version 0.1.0, \(directory.path("gatehouse"))\n"), "\(answer)")
            let link = try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(gateway.process.identifier)/exe"
            )
            #expect(link == directory.path("gatehouse"), "it runs the new file: \(link)")
            for _ in 0..<4 { #expect(try gateway.get().text == "one") }
        }
        let after = try count()
        #expect(before == 1 && after == 9, "counters go on: \(before), \(after)")
        #expect(!gateway.log.contains("start anew"), "\(gateway.log)")
    }

    private static let webSocket =
        "GET / HTTP/1.1\r\nHost: foobar.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    @Test("a data plane that is replaced drains for as long as the configuration in force says")
    func drain() throws {
        let app = try ScriptedServer.tunnel()
        let gateway = try Gateway(app, gateway: ["drain: 1h"])
        let client = try gateway.connect(patience: .seconds(25))
        #expect(try client.exchange(Self.webSocket).status == 101)
        var site = gateway.site
        site.gateway = ["drain: 300ms"]
        try gateway.directory.write(site.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        #expect(try gateway.command("upgrade").status == 0)
        // Its patience is less than the default drain of 30 s.
        #expect(try client.readToEnd().isEmpty)
    }

    @Test("data planes that drain keep their places over upgrades, and one more than there is room for is refused")
    func crowd() throws {
        let app = try ScriptedServer.tunnel()
        let gateway = try Gateway(app, gateway: ["drain: 1h"])
        var clients: [HTTPConnection] = []
        for round in 0..<4 {
            let client = try gateway.connect()
            #expect(try client.exchange(Self.webSocket).status == 101)
            clients.append(client)
            let answer = try gateway.command("upgrade")
            if round < 3 {
                #expect(answer.status == 0, "\(answer)")
            } else {
                #expect(answer.status == 1 && answer.error.contains("still drain"), "\(answer)")
            }
        }
        #expect(gateway.process.children.count == 4)
        for client in clients {
            try client.send("hello")
            #expect(String(decoding: try client.take(5), as: UTF8.self) == "hello")
        }
    }

    /// Begins a command to a gateway.
    private func start(_ command: String, _ name: String, at gateway: Gateway) throws -> ChildProcess {
        try ChildProcess(
            try Gateway.binary,
            [command, "--socket", gateway.directory.path("admin.sock")],
            in: gateway.directory,
            name: name
        )
    }

    @Test("of two upgrades at once each is answered, by the one that goes or by the one that comes")
    func pairs() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        for round in 0..<4 {
            let pair = try ["one", "two"].map { try start("upgrade", "\($0)-\(round)", at: gateway) }
            let ends = try pair.map { try $0.wait() }
            let words = pair.map(\.standardError)
            // Data planes of before may drain yet, which is said, too.
            #expect(ends.allSatisfy { $0 == 0 || $0 == 1 }, "\(ends) \(words)")
        }
        #expect(try gateway.get().text == "app")
    }

    @Test("commands and scrapes during an upgrade are answered, and the gateway is as old as before")
    func answered() throws {
        let app = try ScriptedServer.named("app")
        let metrics = try Metrics()
        let gateway = try Gateway(app, gateway: [metrics.setting])
        let before = try metrics.value("process_start_time_seconds")
        let upgrade = try start("upgrade", "upgrade", at: gateway)
        var commands: [ChildProcess] = []
        while upgrade.poll() == nil {
            #expect(throws: Never.self) { _ = try Socket.connect(to: metrics.port) }
            if commands.count < 8 { commands.append(try start("status", "status-\(commands.count)", at: gateway)) }
            usleep(5_000)
        }
        #expect(try upgrade.wait() == 0, "\(upgrade.standardError)")
        for command in commands { #expect(try command.wait() == 0, "\(command.standardError)") }
        #expect(try metrics.value("process_start_time_seconds") == before)
    }

    /// Becomes the gateway as if by an upgrade from a version whose state nobody can read.
    private static let foreign = """
        import fcntl, os, sys
        memory = os.memfd_create("handover", os.MFD_ALLOW_SEALING)
        os.write(memory, b"\\xff another version wrote this")
        fcntl.fcntl(memory, 1033, 15)
        os.set_inheritable(memory, True)
        os.environ["GATEHOUSE_HANDOVER"] = str(memory)
        os.execv(sys.argv[1], ["gatehouse"] + sys.argv[2:])
        """

    @Test("a state that cannot be read is said, and the data plane that serves is found all the same")
    func unreadable() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(servers: [.init(app)])
        let orphan = try gateway.dataPlane
        try gateway.loseControl()
        try gateway.directory.write(Self.foreign, to: "foreign.py")
        let next = try ChildProcess(
            "/usr/bin/python3",
            [
                gateway.directory.path("foreign.py"), try Gateway.binary, "serve", "--site",
                gateway.directory.path("site.yaml"), "--host", "front", "--workers", "2", "--socket",
                gateway.directory.path("admin.sock"),
            ],
            in: gateway.directory,
            name: "next"
        )
        try eventually("it is ready: \(next.standardError)") { next.standardError.contains("gatehouse: ready") }
        #expect(next.standardError.contains("cannot be read"), "\(next.standardError)")
        try eventually("the orphan has been replaced") { ProcessFacts(identifier: orphan)["Name"] == nil }
        #expect(try gateway.get().status == 200)
        next.send(SIGTERM)
        #expect(try next.wait() == 0)
    }
}
