import Foundation
import Testing

/// A gateway that runs out of what its own machine gives it.
@Suite("A shortage of the gateway's own", .patient)
struct ShortageTests {
    @Test("app servers are not blamed for descriptors that the gateway lacks")
    func descriptors() throws {
        let directory = try TemporaryDirectory()
        try directory.write("#!/bin/sh\nulimit -n 128\nexec '\(try Gateway.binary)' \"$@\"\n", to: "limited")
        try directory.makeExecutable("limited")
        let metrics = try Metrics()
        let gateway = try Gateway(
            servers: [.init(try ScriptedServer.named("app"))],
            pool: [
                "health: { path: /, every: 30ms, timeout: 10s, fall: 1 }", "ejection: { failures: 3, pause: 60s }",
                "keep-alive: { per-worker: 0 }",
            ],
            gateway: ["limits: { connections: 1000 }", "timeouts: { http-request: 60s }", metrics.setting],
            workers: 1,
            in: directory,
            binary: directory.path("limited")
        )
        try metrics.reaches("gatehouse_server_checks_total")
        var clients = try (0..<200).map { _ in try Socket.connect(to: gateway.port) }
        let request = Array("GET / HTTP/1.1\r\n\(Refusal.host)\r\n".utf8)
        let client = HTTPConnection(clients[0], patience: .seconds(60))
        // One that a check had is free for a moment when that ends, until the next client is taken in.
        try eventually("no descriptor is left for a server, however often one is asked for", within: .seconds(60)) {
            for _ in 0..<50 {
                try client.send(request)
                guard try client.readResponse().status == 503 else { return false }
            }
            return true
        }
        #expect(try metrics.value("gatehouse_upstream_connections_failed_total") >= 50)
        #expect(try metrics.value("gatehouse_server_request_failures_total") == 0)
        #expect(try metrics.value("gatehouse_server_check_failures_total") == 0)
        #expect(try metrics.value("gatehouse_server_up") == 1)
        clients = []
        client.socket.close()
        try eventually("it serves again", within: .seconds(60)) { try gateway.get().status == 200 }
    }
}
