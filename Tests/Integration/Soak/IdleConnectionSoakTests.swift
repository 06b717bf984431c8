import Foundation
import Testing

/// Connections that stay and say nothing, while others come and go: what each leaves behind is seen by their number.
@Suite("Idle connections and many new ones", .patient)
struct IdleConnectionSoakTests {
    /// How many, and for how long: all of it under `make soak`, some of it in `make test`.
    private struct Extent {
        var idle = 1000
        var perSecond = 200
        var seconds = 5

        static let wanted = 10_000
        static let spare = 1_500

        /// More than the gateway would take by itself, which sets two descriptors aside for each.
        var setting: String { "limits: { connections: \(idle + 1_000) }" }

        init() {
            guard let text = ProcessInfo.processInfo.environment["GATEHOUSE_SOAK_SECONDS"], let all = Int(text) else {
                return
            }
            // An idle connection takes one descriptor of the gateway's, and one of the clients', another process;
            // connections that come and go, those to servers and what each process has for itself take the rest.
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            idle = min(Self.wanted, max(100, Int(clamping: limit.rlim_max) - Self.spare))
            perSecond = 1_000
            seconds = max(1, all)
        }
    }

    /// Bytes that may come on top after the warm-up, in KiB: what pools and the allocator keep for the next burst.
    /// A thousand connections that left 4 KiB each behind would not fit in.
    private static let slack = 4096

    @Test("connections that come and go leave memory flat, no descriptor behind, and those that stay unharmed")
    func churn() throws {
        let extent = Extent()
        let app = try NginxServer("app")
        let front = try SecureGateway(
            [.init(app)],
            gateway: ["timeouts: { http-keep-alive: 2h, client: 2h }", extent.setting],
            in: TemporaryDirectory(),
            binary: Gateway.releaseBinary
        )
        let clients = try Clients(front, extent.idle, extent.perSecond, extent.seconds)
        let before = try clients.reached("ready", front, connections: 0)
        let idle = try clients.reached("idle", front, connections: extent.idle)
        let warm = try clients.reached("warm", front, connections: extent.idle)
        let after = try clients.reached("churned", front, connections: extent.idle)
        #expect(after.memory - warm.memory < Self.slack, "\(before) \(idle) \(warm) \(after)")
        // The servers' kept connections come on top of the clients'.
        #expect(after.descriptors <= warm.descriptors + 64, "\(warm) \(after)")
        let closed = try clients.reached("closed", front, connections: 0)
        if before.descriptors > 0 {
            #expect(closed.descriptors <= before.descriptors + 64, "\(before) \(closed)")
        }
        let held = (idle.memory - before.memory) / 2
        try eventually("half of what \(idle) took goes back", within: .seconds(180)) {
            try Holding(front).memory < before.memory + held
        }
        #expect(try clients.end() == 0, "\(clients.said)")
        print(
            "soak of connections: \(extent.idle) idle ones; \(before) at first; \(idle) once the idle ones stand; \(warm) after a warm-up; "
                + "\(after) after \(clients.made); \(closed) when all have left"
        )
    }

    /// What the gateway holds at one moment.
    private struct Holding: CustomStringConvertible {
        /// KiB of all its processes.
        let memory: Int
        /// Of all its processes; 0 when they may not be looked at.
        let descriptors: Int
        /// Of clients, by its own count.
        let connections: Int
        /// Of clients, by the kernel's, which anybody may see.
        let sockets: Int

        init(_ front: SecureGateway) throws {
            let processes = Self.processes(of: front)
            memory = Self.memory(of: front)
            descriptors = processes.reduce(0) { $0 + $1.descriptorCount }
            connections = try Self.connections(of: front)
            let table = TCPTable()
            sockets = table.accepted(on: front.plain) + table.accepted(on: front.secure)
        }

        private static func processes(of front: SecureGateway) -> [ProcessFacts] {
            ([front.gateway.process.identifier] + front.gateway.process.children).map(ProcessFacts.init)
        }

        static func memory(of front: SecureGateway) -> Int {
            processes(of: front).reduce(0) { $0 + $1.anonymousMemory }
        }

        static func connections(of front: SecureGateway) throws -> Int {
            let status = try front.gateway.command("status", "--json").output
            let object = try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any]
            let workers = object?["workers"] as? [[String: Any]] ?? []
            return workers.reduce(0) { $0 + ($1["connections"] as? Int ?? 0) }
        }

        var description: String {
            "\(memory) KiB, \(descriptors) descriptors, \(connections) connections, \(sockets) sockets"
        }
    }

    /// The clients, a program of their own. It says what it has done, and goes on when it is told to.
    private struct Clients {
        private let process: ChildProcess
        private let directory: TemporaryDirectory
        private let patience: Duration

        init(_ front: SecureGateway, _ idle: Int, _ perSecond: Int, _ seconds: Int) throws {
            directory = front.directory
            patience = .seconds(2 * seconds + 120)
            try directory.write(Self.program, to: "clients.py")
            process = try ChildProcess(
                "/usr/bin/python3",
                [
                    directory.path("clients.py"), "\(front.plain)", "\(front.secure)", "\(idle)", "\(perSecond)",
                    "\(seconds)", directory.root,
                ],
                in: directory,
                name: "clients"
            )
        }

        var said: String { process.standardOutput + process.standardError }

        /// What came and went after the warm-up, in words.
        var made: String {
            said.split(separator: "\n").last { $0.contains(" new connections in ") }.map(String.init) ?? "nothing"
        }

        /// Waits until the clients have come to `stage` and the gateway and the kernel have so many connections of
        /// theirs, looks at what it holds then, and lets them go on.
        func reached(_ stage: String, _ front: SecureGateway, connections: Int) throws -> Holding {
            try eventually("the clients are \(stage): \(said)", within: patience) {
                if let status = process.poll() { throw HarnessError("the clients ended with \(status): \(said)") }
                return process.standardOutput.contains("\(stage)\n")
            }
            var last: Holding?
            do {
                try eventually("the clients are \(stage), with \(connections) connections", within: .seconds(180)) {
                    // The kernel's table takes its time to read when so many have come and gone.
                    if last != nil, try Holding.connections(of: front) != connections { return false }
                    let now = try Holding(front)
                    last = now
                    return now.connections == connections && now.sockets == connections
                }
            } catch {
                throw HarnessError("\(error); there are \(last.map(\.description) ?? "none"): \(said)")
            }
            _ = try atRest { Holding.memory(of: front) }
            let holding = try Holding(front)
            try directory.write("", to: "after-\(stage)")
            return holding
        }

        func end() throws -> Int32 { try process.wait(within: patience) }

        private static let program = """
            import itertools, os, resource, socket, ssl, sys, time

            plain, secure, idle, per_second, seconds = map(int, sys.argv[1:6])
            directory = sys.argv[6]
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE

            def stage(name):
                print(name, flush=True)
                while not os.path.exists(f"{directory}/after-{name}"):
                    time.sleep(0.02)

            # Of the loopback's, since a connection that has ended holds its port for a minute: one has too few.
            sources = itertools.cycle(f"127.0.0.{number}" for number in range(2, 18))

            def connect(port):
                made = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(next(sources), 0))
                return context.wrap_socket(made, server_hostname="foobar.test") if port == secure else made

            def ask(connection, last):
                closing = "Connection: close\\r\\n" if last else ""
                connection.sendall(f"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\n{closing}\\r\\n".encode())
                answer = b""
                while not answer.endswith(b"app\\n"):
                    part = connection.recv(4096)
                    if not part:
                        sys.exit(f"an answer was cut: {answer!r}")
                    answer += part
                if not answer.startswith(b"HTTP/1.1 200"):
                    sys.exit(f"wrong answer: {answer!r}")

            def churn(seconds):
                # One in eight speaks TLS, one in sixteen leaves without a word, one in sixteen amid a request.
                begin, made = time.monotonic(), 0
                for number in range(per_second * seconds):
                    wait = begin + number / per_second - time.monotonic()
                    if wait > 0:
                        time.sleep(wait)
                    elif wait < -10 and time.monotonic() > begin + 2 * seconds:
                        # A machine that is too slow for so many: those that it makes have to do.
                        break
                    connection = connect(secure if number % 8 == 0 else plain)
                    if number % 16 == 1:
                        connection.sendall(b"GET / HTTP/1.1\\r\\nHo")
                    elif number % 16 != 2:
                        ask(connection, number % 2 == 0)
                    connection.close()
                    made += 1
                print(f"{made} new connections in {time.monotonic() - begin:.0f} s", flush=True)

            stage("ready")
            kept = []
            for _ in range(idle):
                kept.append(connect(secure))
                ask(kept[-1], False)
            stage("idle")
            churn(min(30, max(1, seconds // 2)))
            stage("warm")
            churn(seconds)
            stage("churned")
            for connection in kept:
                ask(connection, False)
            for connection in kept:
                connection.close()
            stage("closed")
            """
    }
}
