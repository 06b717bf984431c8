import Glibc
import Linux

/// The app servers of the demonstration: child processes, so that one can be killed to see what happens then.
final class DemoApps {
    struct App {
        let name: String
        let address: SocketAddress
        let weight: Int
    }

    /// Milliseconds for an app server to end by itself.
    private static let patience: Int32 = 2_000

    private(set) var apps: [App] = []
    private(set) var identifiers: [Int32] = []
    private var processes: [Box] = []

    private final class Box {
        let process: ChildProcess

        init(_ process: consuming ChildProcess) {
            self.process = process
        }
    }

    /// Starts an app server on a free port of `host`. It has the port when this returns, and ends when this
    /// process does, however that ends.
    func start(_ name: String, host: String, weight: Int) throws {
        guard let wanted = SocketAddress(host, port: 0) else { throw ListenProblem("\(host) is no address") }
        let listener = try ListenProblem.listen(on: wanted, option: "--dir")
        guard let address = Socket.localAddress(listener.raw) else { throw SystemError.last("getsockname") }
        let start = ProcessStart(
            arguments: ["gatehouse", "app", "--name", name, "--descriptor", "3", "--parent", "\(getpid())"],
            descriptors: [(raw: listener.raw, at: 3)]
        )
        let process = try start.run()
        identifiers.append(process.identifier)
        apps.append(App(name: name, address: address, weight: weight))
        processes.append(Box(process))
    }

    /// Ends them all and waits for their ends.
    func stop() {
        for box in processes { box.process.signal(SIGTERM) }
        for box in processes where box.process.wait(milliseconds: Self.patience) == nil {
            box.process.signal(SIGKILL)
            _ = box.process.wait(milliseconds: Self.patience)
        }
        processes = []
    }
}
