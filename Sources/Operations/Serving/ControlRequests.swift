package import Control
package import Linux
import Synchronization

/// What other threads ask of the control plane's main thread: operators over the admin socket, and timers.
package final class ControlRequests: Sendable {
    package enum Request: Sendable, Equatable {
        /// Take over the site file as it is now.
        case reload
        /// Put the configuration in force into force anew, with the certificates, addresses and ticket keys
        /// that are there now. Of certificates, those of these names are looked at; without names all of them are.
        case republish(of: Set<String>?)
        /// Seal session tickets with fresh keys, and open none of those before.
        case renewTickets
        /// How the certificates of a name are in use.
        case uses(certificate: String)
        /// Execute the program's file as it is now. The descriptor is the connection of who asks.
        case upgrade(connection: Int32)
    }

    /// A request and the place for its answer.
    internal final class Entry: Sendable {
        let request: Request
        private let reply = Mutex<AdminReply?>(nil)
        private let arrived: EventFD

        fileprivate init(_ request: Request) throws(SystemError) {
            self.request = request
            arrived = try EventFD()
        }

        func give(_ answer: AdminReply) {
            reply.withLock { $0 = answer }
            arrived.signal()
        }

        fileprivate func wait() -> AdminReply {
            _ = Readiness.wait([arrived.raw], milliseconds: ControlRequests.patience)
            return reply.withLock { $0 } ?? .error("the gateway is busy; its log may say why", exit: 1)
        }
    }

    /// Milliseconds that an answer may take.
    private static let patience: Int32 = 60_000

    private let waiting = Mutex<[Entry]?>([])
    private let bell: EventFD

    /// Readable when something waits.
    internal var raw: Int32 { bell.raw }

    package init() throws(SystemError) {
        bell = try EventFD()
    }

    /// Asks without waiting for the answer, which the log tells. Any thread.
    package func post(_ request: Request) {
        guard let entry = try? Entry(request) else { return }
        _ = enter(entry)
    }

    /// Asks and waits for the answer. Any thread but the main one.
    package func ask(_ request: Request) -> AdminReply {
        guard let entry = try? Entry(request) else { return .error("the gateway is out of descriptors", exit: 3) }
        guard enter(entry) else { return Self.stopping }
        return entry.wait()
    }

    private func enter(_ entry: Entry) -> Bool {
        let isOpen = waiting.withLock { list in
            list?.append(entry)
            return list != nil
        }
        bell.signal()
        return isOpen
    }

    internal func take() -> [Entry] {
        bell.clear()
        return waiting.withLock { list in
            defer { if list != nil { list = [] } }
            return list ?? []
        }
    }

    /// Takes nothing more: the gateway stops.
    internal func close() {
        let rest = waiting.withLock { list in
            defer { list = nil }
            return list ?? []
        }
        for entry in rest { entry.give(Self.stopping) }
    }

    private static let stopping = AdminReply.error("the gateway is stopping", exit: 1)
}
