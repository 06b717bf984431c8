import ArgumentParser
import DemoApp
import Glibc
import Linux

struct App: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app",
        abstract: "Run one embedded app server, for trying things out.",
        discussion: """
            Every answer carries X-Served-By. Paths: /, /healthz, /echo, /upload, /bytes/N, /status/N, /slow?ms=N,
            /drip?n=N&ms=N, and a WebSocket on /ws. HTTP/1.1 in clear.
            """
    )

    @Option(help: "Its name: letters, digits, dots, hyphens, underscores.")
    var name = "app-01"

    @Option(help: "The address to listen on.")
    var address = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port: UInt16 = 9001

    @Option(help: ArgumentHelp("The descriptor of a listening socket to serve.", visibility: .hidden))
    var descriptor: Int32?

    @Option(help: ArgumentHelp("End when this process ends.", visibility: .hidden))
    var parent: Int32?

    func run() throws {
        guard let name = AppName(name) else {
            Output.error("--name \(name): use 1 to 64 letters, digits, dots, hyphens and underscores")
            throw ExitCode(2)
        }
        if let parent, !ParentDeath.deliver(signal: SIGTERM, parent: parent) { return }
        do {
            let signals = try Signals([SIGTERM, SIGINT])
            _ = DescriptorLimit.raise()
            let server = try AppServer(name: name, listener: try listener())
            try server.stop(on: signals)
            if descriptor == nil { Output.error("\(name): ready on http://\(server.address)") }
            server.run()
        } catch {
            Output.error("gatehouse app: \(error)")
            throw ExitCode(2)
        }
    }

    private func listener() throws -> FileDescriptor {
        if let descriptor { return try InheritedDescriptor.take(descriptor) }
        guard let place = SocketAddress(address, port: port) else {
            throw ListenProblem("--address \(address) is no address of IPv4 or IPv6")
        }
        return try ListenProblem.listen(on: place, option: "--port")
    }
}
