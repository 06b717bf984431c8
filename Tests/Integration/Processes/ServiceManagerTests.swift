import Foundation
import Testing

/// systemd's part, played by a script: sockets handed over, and what the gateway tells.
@Suite("Under a service manager", .patient)
struct ServiceManagerTests {
    /// Binds the port, then becomes the gateway with the socket as the first descriptor it is handed.
    private static let activation = """
        import os, socket, sys
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(sys.argv[1])))
        listener.listen(128)
        if listener.fileno() != 3: os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
        os.execv(sys.argv[2], ["gatehouse"] + sys.argv[3:])
        """

    @Test("a socket that was handed over serves all workers, and no other is bound beside it")
    func activation() throws {
        let app = try ScriptedServer.named("app")
        let directory = try TemporaryDirectory()
        let port = try Ports.free()
        try directory.write(SiteFile(http: port, servers: [.init(app)]).text, to: "site.yaml")
        try directory.write(Self.activation, to: "activation.py")
        let process = try ChildProcess(
            "/usr/bin/python3",
            [
                directory.path("activation.py"), "\(port)", try Gateway.binary, "serve", "--site",
                directory.path("site.yaml"), "--host", "front", "--workers", "3", "--socket",
                directory.path("admin.sock"),
            ],
            in: directory,
            name: "gatehouse"
        )
        try eventually("it is ready: \(process.standardError)") { process.standardError.contains("gatehouse: ready") }
        let sockets = try run("ss", ["-Hltn", "sport = :\(port)"], in: directory).output.split(separator: "\n")
        #expect(sockets.count == 1, "\(sockets)")
        for _ in 0..<30 {
            let response = try HTTPConnection(port: port).exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
            #expect(response.text == "app")
        }
        process.send(SIGTERM)
        #expect(try process.wait() == 0)
    }

    /// Writes down each message with the number of descriptors that came with it.
    private static let manager = """
        import os, socket, sys
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        channel.bind(sys.argv[1])
        print("bound", flush=True)
        while True:
            text, descriptors, _, _ = socket.recv_fds(channel, 4096, 8)
            for descriptor in descriptors: os.close(descriptor)
            print(len(descriptors), text.decode().replace("\\n", " "), flush=True)
        """

    @Test("it is told when the gateway is ready, reloads and stops, and is left the listening sockets")
    func notifications() throws {
        let directory = try TemporaryDirectory()
        try directory.write(Self.manager, to: "manager.py")
        let manager = try ChildProcess(
            "/usr/bin/python3",
            [directory.path("manager.py"), directory.path("notify")],
            in: directory,
            name: "manager"
        )
        try eventually("the manager listens") { manager.standardOutput.contains("bound") }
        let app = try ScriptedServer.named("app")
        let (kept, dropped) = (try Ports.free(), try Ports.free())
        var site = SiteFile(http: kept, servers: [.init(app)])
        site.listeners.append(SiteFile.plain(dropped))
        let gateway = try Gateway(
            site,
            ports: [kept, dropped],
            in: directory,
            environment: ["NOTIFY_SOCKET": directory.path("notify")]
        )
        func said(_ line: String) -> Int {
            manager.standardOutput.split(separator: "\n").count { $0.contains(line) }
        }
        try eventually("it is ready: \(manager.standardOutput)") { said("0 READY=1") == 1 }
        #expect(said("1 FDSTORE=1 FDPOLL=0 FDNAME=listener-127.0.0.1.\(kept)") == 2)
        #expect(said("1 FDSTORE=1 FDPOLL=0 FDNAME=listener-127.0.0.1.\(dropped)") == 2)
        #expect(said("STATUS=foobar.test, configuration 1: listeners: 2, pools: 1, servers: 1; data plane ") > 0)
        site.listeners.removeLast()
        try gateway.reload(site)
        try eventually("the reload is told: \(manager.standardOutput)") {
            said("RELOADING=1 MONOTONIC_USEC=") == 1 && said("0 READY=1") == 2
                && said("STATUS=foobar.test, configuration 2: listeners: 1, ") > 0
        }
        #expect(said("FDSTOREREMOVE=1 FDNAME=listener-127.0.0.1.\(dropped)") == 1)
        // The running configuration goes on, and it is told why.
        site.pools = [:]
        try gateway.reload(site)
        try eventually("the refusal is told") { said("STATUS=not reloaded, the running configuration goes on: ") == 1 }
        gateway.stop()
        // It may take longer than the unit's own time: `drain` is 30 s here.
        try eventually("the stop is told") { said("STOPPING=1 EXTEND_TIMEOUT_USEC=50000000") == 1 }
        #expect(try gateway.process.wait() == 0)
    }
}
