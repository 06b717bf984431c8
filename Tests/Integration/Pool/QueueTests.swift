import Foundation
import Synchronization
import Testing

/// The queue of a pool whose servers take no more: who is served when.
@Suite("Queue of a pool", .patient)
struct QueueTests {
    private static let request = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    /// Clients that ask again as soon as they are answered, until this object is let go of.
    private final class Crowd {
        private final class State: Sendable {
            let isOver = Atomic(false)
            let served = Atomic(0)
        }

        private let state = State()

        init(_ connections: [HTTPConnection]) {
            for connection in connections {
                Thread.detachNewThread { [state] in
                    while !state.isOver.load(ordering: .relaxed),
                        (try? connection.exchange(QueueTests.request))?.status == 200
                    {
                        state.served.wrappingAdd(1, ordering: .relaxed)
                    }
                }
            }
        }

        deinit { state.isOver.store(true, ordering: .relaxed) }

        /// Requests answered so far.
        var count: Int { state.served.load(ordering: .relaxed) }
    }

    /// Answers all but `/hold`, and that once it is let go.
    private func holding(_ isHeld: Switch) throws -> ScriptedServer {
        try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/hold") { try eventually("it is let go") { !isHeld.isOn } }
                try peer.answer("busy")
            }
        }
    }

    private func ask(_ path: String, of gateway: Gateway) throws -> HTTPConnection {
        let client = try gateway.connect(patience: .seconds(90))
        try client.send("GET \(path) HTTP/1.1\r\n\(Refusal.host)\r\n")
        return client
    }

    @Test("clients of one worker do not keep those of another waiting for as long as they are busy")
    func workers() throws {
        let app = try ScriptedServer(remembers: false) { peer in
            while try peer.request() != nil {
                // Longer than the crowd takes to ask again, so that there are always some who wait.
                try? eventually("the work is done", within: .milliseconds(5)) { false }
                try peer.answer("app")
            }
        }
        let gateway = try Gateway(
            servers: [.init(app, options: ["max-connections: 1"])],
            pool: ["queue: { wait: 20s, size: 100 }"]
        )
        // The kernel spreads them over both workers. The gateway outlives them by this function's end.
        let crowd = Crowd(try (0..<12).map { _ in try HTTPConnection(port: gateway.port, patience: .seconds(60)) })
        try eventually("the crowd is busy", within: .seconds(60)) { crowd.count > 30 }
        for _ in 0..<12 {
            let answer = try gateway.connect(patience: .seconds(60)).exchange(Self.request)
            #expect(answer.status == 200, "\(answer)")
        }
        let before = crowd.count
        try eventually("the crowd is still busy", within: .seconds(60)) { crowd.count > before + 30 }
    }

    @Test("a request that one server failed waits for another that is full", arguments: [1, 2])
    func full(workers: Int) throws {
        let app = try ScriptedServer { peer in
            while try peer.request() != nil {
                try? eventually("the work is done", within: .milliseconds(20)) { false }
                try peer.answer("done")
            }
        }
        let gateway = try Gateway(
            servers: [.init(port: try Ports.free()), .init(app, options: ["max-connections: 1"])],
            pool: ["ejection: off", "retries: { budget: 100% }", "queue: { wait: 60s, size: 100 }"],
            workers: workers
        )
        let clients = try (0..<10).map { _ in try gateway.connect(patience: .seconds(60)) }
        for client in clients { try client.send(Self.request) }
        for client in clients { #expect(try client.readResponse().status == 200) }
    }

    @Test("a retry that waits for a full server holds nobody back from the one that failed it", arguments: [1, 2])
    func newcomers(workers: Int) throws {
        let isHeld = Switch(true)
        let failing = try ScriptedServer { peer in
            while let request = try peer.request(), !request.startLine.contains("/bad") { try peer.answer("failing") }
        }
        let busy = try holding(isHeld)
        let gateway = try Gateway(
            servers: [.init(failing), .init(busy, options: ["max-connections: 1"])],
            pool: ["ejection: off", "retries: { budget: 100% }", "queue: { wait: 60s, size: 1 }"],
            workers: workers
        )
        // Turns alternate.
        while try gateway.get().text != "failing" {}
        let holder = try ask("/hold", of: gateway)
        try eventually("a server is full") { busy.requests.contains { $0.startLine.contains("/hold") } }
        let retried = try ask("/bad", of: gateway)
        try eventually("it was failed") { failing.requests.contains { $0.startLine.contains("/bad") } }
        for _ in 0..<20 { #expect(try gateway.get().text == "failing") }

        // It is the first to get what is freed, however many ask meanwhile.
        let crowd = Crowd(try (0..<6).map { _ in try HTTPConnection(port: gateway.port, patience: .seconds(60)) })
        try eventually("the crowd is busy", within: .seconds(60)) { crowd.count > 30 }
        isHeld.turn(on: false)
        #expect(try holder.readResponse().text == "busy")
        #expect(try retried.readResponse().text == "busy")
        let paths = busy.requests.map { $0.startLine.split(separator: " ")[1] }
        #expect(paths.drop { $0 != "/hold" }.prefix(2) == ["/hold", "/bad"], "\(paths)")
    }

    @Test("requests that wait are given to a server that a reload brings", arguments: [1, 2])
    func reload(workers: Int) throws {
        let isHeld = Switch(true)
        let busy = try holding(isHeld)
        let failing = try Ports.free()
        let gateway = try Gateway(
            servers: [.init(busy, options: ["max-connections: 1"]), .init(port: failing)],
            pool: ["ejection: off", "retries: { budget: 100% }", "queue: { wait: 100s }"],
            workers: workers
        )
        let holder = try ask("/hold", of: gateway)
        try eventually("a server is full") { busy.requests.contains { $0.startLine.contains("/hold") } }
        let waiting = try (0..<3).map { try ask("/\($0)", of: gateway) }
        try eventually("they wait") { try gateway.command("status", "--json").output.contains("\"queued\": 3") }

        let added = try ScriptedServer.named("added")
        var site = gateway.site
        site.pools["web"]?.servers.append(.init(added))
        try gateway.directory.write(site.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        for client in waiting { #expect(try client.readResponse().text == "added") }
        let status = try gateway.command("status", "--json").output
        #expect(status.contains("\"queued\": 0"), "\(status)")
        isHeld.turn(on: false)
        #expect(try holder.readResponse().text == "busy")
    }

    @Test("a request that a server fails which a reload brought waits on, in the pool that it is in by now")
    func failedAfterReload() throws {
        let isHeld = Switch(true)
        let busy = try holding(isHeld)
        let retries = ["ejection: off", "retries: { budget: 100% }", "queue: { wait: 100s }"]
        let gateway = try Gateway(
            servers: [.init(busy, options: ["max-connections: 1"])],
            pool: retries
        )
        let holder = try ask("/hold", of: gateway)
        try eventually("the server is full") { busy.requests.count == 1 }
        let waiting = try (0..<3).map { try ask("/\($0)", of: gateway) }
        try eventually("they wait") { try gateway.command("status", "--json").output.contains("\"queued\": 3") }

        let closing = try ScriptedServer { peer in _ = try peer.request() }
        var site = gateway.site
        site.pools["web"]?.servers.append(.init(closing))
        try gateway.directory.write(site.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        try eventually("it has failed them") { closing.requests.count == 3 }
        try eventually("they wait again") { try gateway.command("status", "--json").output.contains("\"queued\": 3") }
        isHeld.turn(on: false)
        #expect(try holder.readResponse().text == "busy")
        for client in waiting { #expect(try client.readResponse().text == "busy") }
    }

    @Test("the time that a request has waited goes on over a reload, which may end it")
    func reloadInVain() throws {
        let busy = try ScriptedServer { peer in
            _ = try peer.request()
            peer.hold()
        }
        let gateway = try Gateway(
            servers: [.init(busy, options: ["max-connections: 1"])],
            pool: ["queue: { wait: 20m }"]
        )
        let request = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"
        let holder = try gateway.connect()
        try holder.send(request)
        try eventually("the server is full") { busy.requests.count == 1 }
        let waiting = try gateway.connect()
        try waiting.send(request)
        try eventually("it waits") { try gateway.command("status", "--json").output.contains("\"queued\": 1") }
        var site = gateway.site
        site.pools["web"]?.options = ["queue: { wait: 100ms }"]
        try gateway.directory.write(site.text, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        #expect(try waiting.readResponse().status == 503)
    }
}
