package import Linux
package import Site
import Synchronization

/// Keeps the addresses of the servers' DNS names fresh, on a thread of its own, by the outbound helper.
///
/// Nothing here waits for the network but `settle`: names are asked for as their TTLs say, and who wants to
/// know polls `changed`. Any thread may call.
package final class NameService: Sendable {
    package struct Settings: Sendable {
        /// The helper's program; the one beside this program when left alone.
        package var helper: String
        /// Whom the helper becomes; nil for whoever runs this.
        package var user: UserAccount?
        package var hostsPath = "/etc/hosts"
        package var resolvConfPath = "/etc/resolv.conf"
        /// Takes lines for the log, without a line's end. Called on the service's thread.
        package var report: @Sendable (String) -> Void = { StandardError.log("gatehouse: \($0)\n") }

        package init(user: UserAccount?) {
            helper = ProcessStart.pathBesideThisProgram(OutboundHelper.program)
            self.user = user
        }
    }

    internal struct Board: Sendable {
        var names: Set<String> = []
        /// Addresses in force of some of them.
        var known: [String: IPAddress] = [:]
        var nameServers: [NameServer] = []
        /// Goes up with each call to `want`; the thread has seen those up to `seen`.
        var wish = 0
        var seen = 0
        var isSettled = true
        var isStopped = false
        /// No helper runs until this ends.
        var isPaused = false
        var standings: [String: NameTable.Standing] = [:]
    }

    internal let board = Mutex(Board())
    internal let wake: EventFD
    private let change: EventFD
    private let thread = Mutex<Thread?>(nil)
    package let settings: Settings

    /// Starts nothing yet: a site without names needs neither thread nor helper.
    package init(_ settings: Settings) throws(SystemError) {
        self.settings = settings
        wake = try EventFD()
        change = try EventFD()
    }

    /// Readable when `take` would give something new.
    package var changed: Int32 { change.raw }

    /// From now on these names are to be known.
    ///
    /// - Parameters:
    ///   - names: in lower case.
    ///   - nameServers: whom to ask; empty for those of resolv.conf.
    ///   - known: addresses in force, which hold for names that were not wanted before until there are answers.
    package func want(
        _ names: Set<String>,
        askedOf nameServers: [NameServer],
        known: [String: IPAddress] = [:]
    ) throws(SystemError) {
        board.withLock {
            $0.names = names
            $0.known = known
            $0.nameServers = nameServers
            $0.wish += 1
            $0.isSettled = false
        }
        wake.signal()
        if !names.isEmpty { try startThread() }
    }

    private func startThread() throws(SystemError) {
        let failure = thread.withLock { thread -> SystemError? in
            guard thread == nil else { return nil }
            do throws(SystemError) {
                thread = try Thread.start(name: "names") { NameLoop(self).run() }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Waits until every name that is wanted has been answered, well or not, but no longer than `milliseconds`.
    package func settle(within milliseconds: Int) {
        let end = Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000
        while !board.withLock({ $0.names.isEmpty || $0.isSettled }), Clock.monotonicNanoseconds < end {
            Thread.pause(milliseconds: 2)
        }
    }

    /// What is known of each name now; `changed` is quiet until something else is known.
    package func take() -> [String: NameTable.Standing] {
        change.clear()
        return board.withLock { $0.standings }
    }

    /// Ends the helper, and starts none until `resume`: before this process executes another program, which would
    /// find a child that it knows nothing of. What is known stays.
    package func pause() {
        board.withLock {
            $0.isPaused = true
            $0.wish += 1
        }
        wake.signal()
        while thread.withLock({ $0 != nil }), board.withLock({ $0.seen != $0.wish }) { Thread.pause(milliseconds: 2) }
    }

    package func resume() {
        board.withLock { $0.isPaused = false }
        wake.signal()
    }

    /// Ends thread and helper.
    package func stop() {
        board.withLock { $0.isStopped = true }
        wake.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    internal func publish(_ standings: [String: NameTable.Standing], isSettled: Bool, seen: Int) {
        let isNew = board.withLock { board in
            defer {
                board.standings = standings
                board.seen = seen
                board.isSettled = isSettled && seen == board.wish
            }
            return board.standings != standings
        }
        if isNew { change.signal() }
    }
}
