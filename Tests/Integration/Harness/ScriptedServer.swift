import Foundation
import Synchronization
import Testing

/// An app server under the test's control: each connection runs the test's script in a thread of its own,
/// and every request that a script reads is remembered.
final class ScriptedServer: AppServer, Sendable {
    /// One connection of the gateway.
    final class Peer: Sendable {
        let http: HTTPConnection
        /// Counted from 0, in the order of arrival.
        let number: Int
        private let core: Core

        fileprivate init(_ http: HTTPConnection, number: Int, core: Core) {
            self.http = http
            self.number = number
            self.core = core
        }

        /// The next whole request, remembered by the server; nil when the gateway closed.
        func request() throws -> Message? {
            guard let request = try http.readRequest() else { return nil }
            core.remember(request, from: number)
            return request
        }

        /// How many whole requests all connections have brought so far.
        var requestCount: Int { core.state.withLock { $0.requests.count } }

        func send(_ text: String) throws { try http.send(text) }

        /// A complete answer with a length.
        func answer(_ body: String, status: String = "200 OK", fields: String = "") throws {
            try send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
        }

        /// Keeps the connection open, saying nothing, until the gateway closes it or the server stops.
        func hold() {
            while !core.stopped.load(ordering: .relaxed) {
                let slice = Deadline(.milliseconds(50))
                do {
                    if try http.socket.read(by: slice).isEmpty { return }
                } catch Socket.Failure.timedOut {
                    continue
                } catch {
                    return
                }
            }
        }
    }

    typealias Script = @Sendable (Peer) throws -> Void

    let port: UInt16
    private let core: Core

    /// - Parameter remembers: whether requests are kept for the test; not for those that send millions.
    init(port: UInt16? = nil, of host: String = "127.0.0.1", remembers: Bool = true, script: @escaping Script) throws {
        let port = try port ?? Ports.free()
        self.port = port
        core = Core(listener: try Socket.listen(on: port, of: host), remembers: remembers, script: script)
        Thread.detachNewThread { [core] in core.acceptUntilStopped() }
    }

    deinit { stop() }

    /// Answers every request on every connection alike, with its name as the body and in X-Served-By.
    static func named(_ name: String, port: UInt16? = nil, of host: String = "127.0.0.1") throws -> ScriptedServer {
        try ScriptedServer(port: port, of: host) { peer in
            while try peer.request() != nil {
                try peer.answer(name, fields: "X-Served-By: \(name)\r\n")
            }
        }
    }

    /// Upgrades each connection to a WebSocket, and sends every byte of it back.
    static func tunnel() throws -> ScriptedServer {
        try ScriptedServer { peer in
            guard try peer.request() != nil else { return }
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while true {
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
                if bytes.isEmpty { return }
                try peer.http.send(bytes)
            }
        }
    }

    /// Refuses connections from now on; those that are open end with their scripts.
    func stop() { core.stop() }

    /// The whole requests that scripts have read, in the order of their ends.
    var requests: [Message] { core.state.withLock { $0.requests.map(\.request) } }

    /// Which connection each of `requests` came over.
    var requestConnections: [Int] { core.state.withLock { $0.requests.map(\.connection) } }

    var connectionCount: Int { core.state.withLock { $0.connections } }

    /// What the server shares with its threads; they end when the server is let go of.
    fileprivate final class Core: Sendable {
        let script: Script
        let remembers: Bool
        let listener: Socket
        let stopped = Atomic(false)
        let ended = Atomic(false)
        let state = Mutex(State())

        struct State {
            var requests: [(connection: Int, request: Message)] = []
            var connections = 0
        }

        init(listener: Socket, remembers: Bool, script: @escaping Script) {
            self.listener = listener
            self.remembers = remembers
            self.script = script
        }

        func acceptUntilStopped() {
            while !stopped.load(ordering: .relaxed) {
                guard let socket = try? listener.accept(by: Deadline(.milliseconds(20))) else { continue }
                serve(socket)
            }
            listener.close()
            ended.store(true, ordering: .releasing)
        }

        func stop() {
            stopped.store(true, ordering: .relaxed)
            do {
                try eventually("the scripted server stops listening") { ended.load(ordering: .acquiring) }
            } catch {
                Issue.record(error)
            }
        }

        func remember(_ request: Message, from connection: Int) {
            if remembers { state.withLock { $0.requests.append((connection, request)) } }
        }

        private func serve(_ socket: Socket) {
            let number = state.withLock { state in
                defer { state.connections += 1 }
                return state.connections
            }
            let peer = Peer(HTTPConnection(socket, patience: .seconds(120)), number: number, core: self)
            Thread.detachNewThread { [script] in
                // A script that fails is a conversation that the gateway ended: the test looks at what it left behind.
                try? script(peer)
                peer.http.socket.close()
            }
        }
    }
}
