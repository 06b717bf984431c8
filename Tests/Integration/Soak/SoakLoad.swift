import Foundation
import Synchronization
import Testing

/// A gateway in front of app servers of all kinds, and clients of all kinds in front of it.
final class SoakLoad {
    private static let page = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    private static let log = "access.log"
    /// Bytes at which it is rotated amid a round, so that an hour of it does not fill the disk.
    private static let mostLog = 64 << 20

    /// Idle connections to app servers go soon after a round, so that what is left behind shows.
    private static let pool = ["keep-alive: { idle: 1s }"]

    private let front: SecureGateway
    private let metrics: Metrics
    private let steady: NginxServer
    /// Killed and started again; gone in between.
    private var mortal: NginxServer?
    private let mortalPort: UInt16
    private let echo: ScriptedServer
    private let seed: UInt64
    private var round: UInt64 = 0
    let journal = SoakJournal()

    var gateway: Gateway { front.gateway }

    /// - Parameter binary: nil for the one built with the tests.
    init(seed: UInt64, binary: String?) throws {
        self.seed = seed
        steady = try NginxServer("steady", files: ["page": Self.page])
        let mortal = try NginxServer("mortal")
        mortalPort = mortal.port
        self.mortal = mortal
        echo = try Self.echoServer()
        metrics = try Metrics()
        let directory = try TemporaryDirectory()
        front = try SecureGateway(
            [.init(steady, weight: 2), .init(port: mortal.port)],
            names: [["foobar.test", "localhost"]],
            routes: [
                "{ hosts: [foobar.test, localhost], pool: web }",
                "{ hosts: [foobar.test, localhost], path: /files, pool: files }",
                "{ hosts: [foobar.test, localhost], path: /echo, pool: echo }",
            ],
            tls: "unknown-name: default",
            gateway: [
                metrics.setting,
                "timeouts: { client-hs: 2s, http-request: 2s, http-keep-alive: 2s, client: 5s }",
                "access-log: { path: \(directory.path(Self.log)) }",
            ],
            pool: ["health: { path: /healthz, every: 300ms }", "retries: { budget: 100% }"] + Self.pool,
            further: [
                "files": .init(servers: [.init(steady)], options: Self.pool),
                "echo": .init(servers: [.init(echo)], options: Self.pool),
            ],
            in: directory,
            binary: binary
        )
    }

    /// Answers uploads with their length, and sends back what comes over an upgraded connection.
    private static func echoServer() throws -> ScriptedServer {
        try ScriptedServer(remembers: false) { peer in
            while let request = try peer.request() {
                if request["upgrade"] == nil {
                    try peer.answer("\(request.body.count)")
                    continue
                }
                try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                while true {
                    let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
                    if bytes.isEmpty { return }
                    try peer.http.send(bytes)
                }
            }
        }
    }

    // MARK: Figures

    /// The gateway and the processes that it started.
    var processes: [ProcessFacts] {
        ([gateway.process.identifier] + gateway.process.children).map(ProcessFacts.init)
    }

    /// Of all processes, in KiB.
    var memory: Int { processes.reduce(0) { $0 + $1.anonymousMemory } }

    /// The same when it does not fall any more.
    func memoryAtRest() throws -> Int { try atRest { memory } }

    /// Waits until the gateway holds nothing of any request that was, by its own counts.
    func awaitNothingInUse() throws {
        let series = [
            "gatehouse_client_connections_open", "gatehouse_http2_streams_open", "gatehouse_tunnels_open",
            "gatehouse_buffers{state=\"in-use\"}", "gatehouse_server_requests_in_flight",
        ]
        for name in series {
            try eventually("\(name) comes back to 0", within: .seconds(120)) { try metrics.value(name) == 0 }
        }
    }

    /// What each process holds, in words.
    var holdings: String {
        processes.map { "\($0["Name"] ?? "?") \($0.anonymousMemory) KiB" }.joined(separator: ", ")
    }

    var descriptors: Int { processes.reduce(0) { $0 + $1.descriptorCount } }

    /// What the open descriptors are, for whoever finds too many.
    var openDescriptors: String {
        let kinds = processes.flatMap(\.openFiles).map { $0.split(separator: ":").first.map(String.init) ?? $0 }
        return "\(Dictionary(grouping: kinds, by: { $0 }).mapValues(\.count))"
    }

    // MARK: Load

    /// All kinds of clients at once, while site files change and an app server comes and goes.
    func run(seconds: Int) throws {
        round += 1
        rotateLog()
        let tools = try startTools(seconds: seconds)
        let stop = Switch(false)
        let group = DispatchGroup()
        let clients = SoakClients(plain: front.plain, secure: front.secure, page: Self.page)
        let kinds: [(String, @Sendable (inout Dice) throws -> Void)] = [
            ("new connections", clients.newConnection), ("downloads", clients.download),
            ("uploads", clients.upload), ("uploads", clients.upload), ("tunnels", clients.tunnel),
            ("tunnels", clients.tunnel), ("clients that left", clients.leave),
        ]
        for (index, (name, act)) in kinds.enumerated() {
            let seed = seed &+ round << 16 &+ UInt64(index)
            group.enter()
            Thread.detachNewThread { [journal] in
                var dice = Dice(seed: seed)
                while !stop.isOn {
                    do {
                        try act(&dice)
                        journal.note(name)
                    } catch {
                        journal.blame("\(name): \(error)")
                    }
                }
                group.leave()
            }
        }
        var dice = Dice(seed: seed &+ round << 16 &+ 1000)
        let deadline = Deadline(.seconds(seconds))
        while !deadline.hasPassed && tools.contains(where: { $0.poll() == nil }) {
            try change(&dice)
            try? eventually("a while has passed", within: .milliseconds(200 + dice.below(300))) { false }
        }
        stop.turn(on: true)
        group.wait()
        if mortal == nil { mortal = try NginxServer("mortal", port: mortalPort) }
        try read(tools)
    }

    /// Another site file, or a server less, or more.
    private func change(_ dice: inout Dice) throws {
        if logSize > Self.mostLog { rotateLog() }
        if dice.below(2) == 0 {
            var site = gateway.site
            site.pools["web"]?.servers[0].weight = dice.below(4) + 1
            site.gateway = site.gateway.filter { !$0.hasPrefix("drain") } + ["drain: \(dice.below(20) + 10)s"]
            try gateway.reload(site)
            journal.note("reloads")
        } else if mortal != nil {
            mortal = nil
            journal.note("servers killed")
        } else {
            mortal = try NginxServer("mortal", port: mortalPort)
        }
    }

    /// Has the log begin anew. What it was before is kept until the next time.
    private func rotateLog() {
        let path = front.directory.path(Self.log)
        // It is not there yet when the gateway has not come round to the last rotation.
        guard unsafe rename(path, path + ".1") == 0 else { return }
        gateway.process.send(SIGUSR1)
        journal.note("rotations of the log")
    }

    /// Bytes of the access log as it is, and as it was before it was last rotated.
    var logSize: Int {
        logs.reduce(0) { $0 + ((try? FileManager.default.attributesOfItem(atPath: $1)[.size] as? Int) ?? 0) }
    }

    private var logs: [String] { [".1", ""].map { front.directory.path(Self.log) + $0 } }

    /// The last requests that got an error, as the access log has them.
    var failures: String {
        logs.flatMap { path in
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self).split(separator: "\n")
        }
        .filter { $0.contains("\"status\":5") }.suffix(5).joined(separator: "\n")
    }

    private func startTools(seconds: Int) throws -> [ChildProcess] {
        let wrk = try ["http://localhost:\(front.plain)/", "https://localhost:\(front.secure)/"].map { url in
            try ChildProcess(
                "wrk",
                ["-t1", "-c8", "-d\(seconds)s", "--timeout", "60s", url],
                in: front.directory,
                name: front.directory.uniqueName("wrk")
            )
        }
        let h2load = try ["/", "/files/page"].map { path in
            try ChildProcess(
                "h2load",
                [
                    "-D\(seconds)", "-c4", "-m8", "-H", ":authority: foobar.test",
                    "https://127.0.0.1:\(front.secure)\(path)",
                ],
                in: front.directory,
                name: front.directory.uniqueName("h2load")
            )
        }
        return wrk + h2load
    }

    private func read(_ tools: [ChildProcess]) throws {
        for (index, tool) in tools.enumerated() {
            try tool.wait()
            let report = tool.standardOutput
            let isWrk = index < 2
            let isRight =
                isWrk
                ? !report.contains("Socket errors") && !report.contains("Non-2xx") && report.contains("requests in")
                : report.contains(" 0 failed, 0 errored, 0 timeout") && report.contains(" 0 3xx, 0 4xx, 0 5xx")
            if !isRight { journal.blame("\(report)\(tool.standardError)") }
            let count = try report.firstMatch(of: Regex(isWrk ? "([0-9]+) requests in" : "([0-9]+) done"))
            journal.note(
                isWrk ? "requests of wrk" : "requests of h2load",
                count.flatMap { Int($0[1].substring ?? "") } ?? 0
            )
        }
    }
}

/// What a soak did, and what of it went wrong.
final class SoakJournal: Sendable {
    private let state = Mutex((faults: [String](), tally: [String: Int]()))

    /// What was not as it should have been, the first hundred.
    var faults: [String] { state.withLock { $0.faults } }

    /// What was done, in words.
    var tally: String {
        state.withLock { $0.tally.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ") }
    }

    func note(_ name: String, _ count: Int = 1) {
        state.withLock { $0.tally[name, default: 0] += count }
    }

    func blame(_ fault: String) {
        state.withLock { if $0.faults.count < 100 { $0.faults.append(fault) } }
    }
}
