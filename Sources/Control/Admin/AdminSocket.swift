import Glibc
package import Linux
import Synchronization

/// The Unix socket where operators ask the running gateway (mode 0600; the user who runs it, and root).
///
/// One request and one reply a connection, in turn, on a thread of its own. Clients that say nothing hold nobody up, and
/// are cut off.
package final class AdminSocket: Sendable {
    /// Milliseconds that a client may take for its line, and again for taking the reply.
    private static let patience: Int32 = 2_000
    /// Connections whose line has not come; beyond them, the longest silent one is let go of.
    private static let mostSilent = 16

    package let path: String
    private let listener: FileDescriptor
    private let stopping: EventFD
    private let thread = Mutex<Thread?>(nil)

    /// Answers a request. The descriptor is the connection, open during the call.
    package typealias Handler = @Sendable (AdminRequest, Int32) -> AdminReply

    /// Listens: the name is this gateway's from now on. Who asks waits until `start`.
    ///
    /// A socket that a killed gateway left is replaced.
    /// - Parameter segment: the socket that the program before this one answered at, with whoever waits there.
    /// - Throws: EADDRINUSE when another gateway of this name runs.
    package init(path: String, adopting segment: SharedSegment? = nil) throws(SystemError) {
        self.path = path
        if let segment {
            listener = try segment.duplicate()
        } else {
            listener = try UnixSocket.listen(at: path)
        }
        stopping = try EventFD()
    }

    /// The socket at `path`, as a segment for the program that comes after this one.
    package func segment() throws(SystemError) -> SharedSegment {
        SharedSegment(name: Self.segmentName(at: path), owning: try listener.duplicate())
    }

    package static func segmentName(at path: String) -> String { segmentPrefix + path }

    /// The path in a name of `segmentName`; nil when it is another name.
    package static func path(ofSegment name: String) -> String? {
        name.hasPrefix(segmentPrefix) ? String(name.dropFirst(segmentPrefix.count)) : nil
    }

    private static let segmentPrefix = "admin "

    /// Answers. Call it once.
    ///
    /// - Parameter handler: called on the socket's thread; may take long, other clients wait meanwhile.
    package func start(handler: @escaping Handler) throws(SystemError) {
        let started = try Thread.start(name: "admin") { [self] in serve(handler) }
        thread.withLock { $0 = started }
    }

    /// Where the socket of the gateway `name` is: for root `/run/gatehouse/NAME.sock`, for others below
    /// XDG_RUNTIME_DIR, and without one below /tmp.
    package static func defaultPath(name: String, environment: [String: String]) -> String {
        if Privileges.isRoot { return "/run/gatehouse/\(name).sock" }
        if let folder = environment["XDG_RUNTIME_DIR"], !folder.isEmpty { return "\(folder)/gatehouse/\(name).sock" }
        return "/tmp/gatehouse-\(geteuid())/\(name).sock"
    }

    /// `defaultPath` in the environment of this process.
    package static func defaultPath(of name: String) -> String {
        var environment: [String: String] = [:]
        if let folder = Environment.value("XDG_RUNTIME_DIR") { environment["XDG_RUNTIME_DIR"] = folder }
        return defaultPath(name: name, environment: environment)
    }

    /// Answers nobody any more and removes the socket's file.
    package func stop() {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        stopping.signal()
        running?.join()
        UnixSocket.remove(path)
    }

    private func serve(_ handler: Handler) {
        var silent: [AdminConnection] = []
        // Who asks for an upgrade waits for all others who were let in: it would close their connections. Who comes meanwhile
        // is let in by whoever serves after it.
        var upgrading: AdminConnection?
        while true {
            if silent.isEmpty, let connection = upgrading {
                upgrading = nil
                send(handler(.upgrade, connection.raw), to: connection)
            }
            let first = silent.map(\.milliseconds).min() ?? -1
            let entrance = upgrading == nil ? [listener.raw] : []
            let ready = Readiness.wait([stopping.raw] + silent.map(\.raw) + entrance, milliseconds: first)
            if ready[0] { return }
            // Who has said something goes before who has just come, so that those who are let go of are silent indeed.
            if let place = silent.indices.first(where: { ready[1 + $0] }) {
                guard let line = silent[place].read() else {
                    if silent[place].hasEnded { silent.remove(at: place) }
                    continue
                }
                let connection = silent.remove(at: place)
                switch AdminRequest(line: line) {
                case .upgrade? where upgrading == nil: upgrading = connection
                case .upgrade?: send(Self.otherUpgrade, to: connection)
                case let request?: send(handler(request, connection.raw), to: connection)
                case nil: send(.error("unknown request: \(AdminRequest.words)", exit: 2), to: connection)
                }
                continue
            }
            let isEntered = upgrading == nil && ready[1 + silent.count]
            silent.removeAll(where: \.hasEnded)
            guard isEntered, let connection = AdminConnection.accept(listener.raw, within: Self.patience) else {
                continue
            }
            if silent.count == Self.mostSilent { silent.removeFirst() }
            silent.append(connection)
        }
    }

    private static let otherUpgrade = AdminReply.error(
        "an upgrade is under way, which somebody else has asked for: `gatehouse status` shows what serves; try again to be sure "
            + "of a program that was put there meanwhile",
        exit: 1
    )

    private func send(_ reply: AdminReply, to connection: AdminConnection) {
        _ = LineTransfer.send(reply.line, to: connection.raw, within: Self.patience)
    }
}

/// The other side: what the command line does.
package enum AdminClient {
    /// Asks the gateway at `path`; once more when it closes without an answer, as when an upgrade by signal comes in
    /// between. All requests but an upgrade may be made twice.
    ///
    /// - Parameter milliseconds: how long the answer may take.
    /// - Returns: the reply's line of JSON; nil when none came in time.
    /// - Throws: ENOENT or ECONNREFUSED when no gateway runs there, ECONNRESET when it closes without an answer.
    package static func ask(
        _ request: AdminRequest,
        at path: String,
        within milliseconds: Int32
    ) throws(SystemError) -> String? {
        do throws(SystemError) {
            return try askOnce(request, at: path, within: milliseconds)
        } catch {
            guard error.code == ECONNRESET, request != .upgrade else { throw error }
            return try askOnce(request, at: path, within: milliseconds)
        }
    }

    /// Why nobody could be asked, and what to do about it.
    package static func advice(for error: SystemError) -> String {
        switch error.code {
        case EACCES, EPERM:
            "this user may not speak to the gateway there (\(error)); only root and the user who runs it may: use sudo"
        case EAGAIN: "the gateway answers too many others at the moment (\(error)); try again"
        case EMFILE, ENFILE, ENOMEM: "this machine is out of descriptors or memory (\(error)); try again"
        default: "no gateway answers there (\(error)); start one with `gatehouse serve`"
        }
    }

    private static func askOnce(
        _ request: AdminRequest,
        at path: String,
        within milliseconds: Int32
    ) throws(SystemError) -> String? {
        let socket = try UnixSocket.connect(to: path)
        let end = Clock.monotonicNanoseconds + UInt64(max(0, milliseconds)) * 1_000_000
        if LineTransfer.send(request.line, to: socket.raw, within: min(2_000, milliseconds)),
            let line = LineTransfer.receive(socket.raw, limit: 64 << 20, within: milliseconds)
        {
            return line
        }
        guard Clock.monotonicNanoseconds >= end else { throw SystemError("answer from \(path)", ECONNRESET) }
        return nil
    }
}
