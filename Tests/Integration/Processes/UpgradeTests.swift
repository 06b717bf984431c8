import Testing

/// Another binary takes over, and nobody notices.
@Suite("Upgrade")
struct UpgradeTests {
    @Test("an upgrade under load refuses no connection and fails no request")
    func underLoad() throws {
        let app = try NginxServer("app")
        let gateway = try Gateway(servers: [.init(app)])
        let load = try ChildProcess(
            "wrk",
            [
                "-t1", "-c8", "-d4s", "-H", "Host: foobar.test", "-H", "Connection: close",
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
}
