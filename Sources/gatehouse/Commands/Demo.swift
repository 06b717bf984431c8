import ArgumentParser
import DemoApp
import Glibc
import Linux
import Operations

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run the whole thing on this machine, without root: two app servers, a CA of their own, HTTPS."
    )

    @Option(help: "The port for HTTPS.")
    var httpsPort: UInt16 = 8443

    @Option(help: "The port for HTTP, which redirects.")
    var httpPort: UInt16 = 8080

    @Option(
        help: """
            Where certificates, site file and access log are kept. Default: $XDG_RUNTIME_DIR/gatehouse/demo, else \
            ~/.local/state/gatehouse/demo.
            """
    )
    var dir: String?

    func run() throws {
        let apps = DemoApps()
        defer { apps.stop() }
        do {
            let addresses = Self.loopback
            try checkPorts(addresses)
            guard let path = dir ?? DemoFolder.usual else {
                throw ListenProblem("neither XDG_RUNTIME_DIR nor HOME is set; name a folder with --dir")
            }
            let folder = try DemoFolder(path)
            try folder.makeCA()
            try apps.start("app-01", host: "127.0.0.1", weight: 2)
            try apps.start("app-02", host: "127.0.0.1", weight: 1)
            let site = DemoSite.text(
                https: httpsPort,
                http: httpPort,
                addresses: addresses,
                apps: apps.apps,
                store: folder.store,
                accessLog: folder.accessLog
            )
            try folder.write(site, to: folder.siteFile)
            try announceWhenReady(DemoGuide(https: httpsPort, http: httpPort, folder: folder, apps: apps))
            var options = ServeOptions(path: folder.siteFile)
            options.socket = folder.socket
            options.endsTogether = true
            try GatewayProcess.run(options)
        } catch {
            Output.error("gatehouse demo: \(error)")
            throw ExitCode(GatewayProcess.exitStatus(of: error))
        }
    }

    /// The loopback addresses of this machine: some have no IPv6.
    private static var loopback: [String] {
        ["127.0.0.1", "::1"].filter { text in
            guard let address = SocketAddress(text, port: 0) else { return false }
            return (try? Socket.listen(on: address, backlog: 1).release()).map { close($0) } != nil
        }
    }

    private func checkPorts(_ addresses: [String]) throws {
        guard httpPort != httpsPort else {
            throw ListenProblem("--http-port and --https-port are both \(httpPort); they must differ")
        }
        for (port, option) in [(httpsPort, "--https-port"), (httpPort, "--http-port")] {
            guard port > 0 else { throw ListenProblem("\(option) 0: name the port") }
            for text in addresses {
                guard let address = SocketAddress(text, port: port) else { continue }
                _ = try ListenProblem.listen(on: address, option: option)
            }
        }
    }

    /// Prints the guide once the gateway answers, on a thread of its own: the gateway has this one.
    private func announceWhenReady(_ guide: DemoGuide) throws {
        let text = guide.text
        guard let address = SocketAddress("127.0.0.1", port: httpPort) else { return }
        _ = try Thread.start(name: "demo") {
            while !Probe.answers(address) { Thread.pause(milliseconds: 20) }
            Output.line(text)
        }
    }
}
