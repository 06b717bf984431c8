import Foundation
import Testing

/// Start and stop.
@Suite("Life of the processes", .patient)
struct LifeTests {
    /// A gateway that has been told to stop while a request is under way, which ends when `release` is turned on.
    private struct Drain {
        let release = Switch(false)
        let app: ScriptedServer
        let gateway: Gateway
        let client: HTTPConnection

        init() throws {
            let release = release
            app = try ScriptedServer { peer in
                _ = try peer.request()
                try eventually("the answer may go") { release.isOn }
                try peer.answer("late")
            }
            gateway = try Gateway(app)
            client = try gateway.connect()
            try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
            try eventually("the request is under way") { [app] in app.requests.count == 1 }
            gateway.stop()
            try eventually("new connections are refused") { [gateway] in
                (try? Socket.connect(to: gateway.port)) == nil
            }
        }
    }

    @Test("SIGTERM drains: what is under way is answered, new connections are refused, the exit is clean")
    func drain() throws {
        let drain = try Drain()
        drain.release.turn(on: true)
        let response = try drain.client.readResponse()
        #expect(response.text == "late")
        #expect(response["connection"]?.lowercased() == "close")
        #expect(try drain.gateway.process.wait() == 0)
    }

    @Test("a drain is not cut short by those who rotate the log or ask for a reload")
    func signalsAtStop() throws {
        let drain = try Drain()
        for signal in [SIGUSR1, SIGHUP, SIGUSR2] { drain.gateway.process.send(signal) }
        // Time in which it would cut the client off.
        for _ in 0..<5 { _ = try drain.gateway.command("status") }
        drain.release.turn(on: true)
        #expect(try drain.client.readResponse().text == "late")
        drain.client.socket.close()
        #expect(try drain.gateway.process.wait() == 0)
    }

    @Test("a drain ends after its time, whoever is still there")
    func drainEnds() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            peer.hold()
        }
        let gateway = try Gateway(app, gateway: ["drain: 300ms"])
        let client = try gateway.connect()
        try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
        try eventually("the request is under way") { app.requests.count == 1 }
        gateway.stop()
        try gateway.process.wait()
    }

    @Test("an idle keep-alive connection does not hold a stop up")
    func idleAtStop() throws {
        let gateway = try Gateway(ScriptedServer.named("app"))
        let client = try gateway.connect()
        #expect(try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").status == 200)
        gateway.stop()
        #expect(try gateway.process.wait() == 0)
    }

    @Test("a client whose next request crosses the stop is answered, and told of the end")
    func requestAtStop() throws {
        let gateway = try Gateway(ScriptedServer.named("app"))
        let client = try gateway.connect()
        #expect(try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").status == 200)
        gateway.stop()
        try eventually("new connections are refused") { (try? Socket.connect(to: gateway.port)) == nil }
        let last = try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(last.status == 200)
        #expect(last["connection"]?.lowercased() == "close")
        #expect(try client.isClosedByPeer())
        client.socket.close()
        #expect(try gateway.process.wait() == 0)
    }

    @Test("a port that is taken is an error that names it")
    func portTaken() throws {
        let holder = try ScriptedServer.named("holder")
        let site = SiteFile(http: holder.port, servers: [.init(port: try Ports.free())])
        let outcome = try startAndFail(site)
        #expect(outcome.error.contains("\(holder.port)"), "\(outcome.error)")
        #expect(outcome.error.contains("in use"), "\(outcome.error)")
    }

    @Test("keys that do not fit, and files that are missing, are errors that name them")
    func certificates() throws {
        let directory = try TemporaryDirectory()
        let one = try TestCertificate("foobar", names: ["foobar.test"], in: directory)
        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        let port = try Ports.free()
        var site = SiteFile(http: port, servers: [.init(port: try Ports.free())])
        site.listeners = [SiteFile.secure(port, [one])]
        site.certificates = [one]
        try directory.write(
            try directory.contents(of: String(other.keyPath.split(separator: "/").last ?? "")),
            to: "swap"
        )
        _ = try run("cp", [directory.path("swap"), one.keyPath], in: directory)
        let misfit = try startAndFail(site)
        #expect(misfit.error.contains("foobar"), "\(misfit.error)")
        _ = try run("rm", [one.certificatePath], in: directory)
        let missing = try startAndFail(site)
        #expect(missing.error.contains(one.certificatePath), "\(missing.error)")
    }

    private func startAndFail(_ site: SiteFile) throws -> ToolResult {
        let directory = try TemporaryDirectory()
        try directory.write(site.text, to: "site.yaml")
        let result = try run(
            try Gateway.binary,
            [
                "serve", "--site", directory.path("site.yaml"), "--host", "front", "--socket",
                directory.path("admin.sock"),
            ],
            in: directory
        )
        #expect([1, 2, 3].contains(result.status), "\(result)")
        return result
    }
}
