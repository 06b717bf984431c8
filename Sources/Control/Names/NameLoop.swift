import Glibc
import Linux
import Outbound
import Site
import Synchronization

/// The thread of a `NameService`: asks the helper what the table says, starts it, and starts it again.
internal final class NameLoop {
    /// The longest pause between two starts of the helper, in milliseconds; the second start is after 50, then
    /// twice as much each time.
    private static let longestPause: UInt64 = 5_000
    /// A helper that lived this long had not failed to start.
    private static let steadyTime: UInt64 = 5_000

    private let service: NameService
    private var table = NameTable()
    private var known: [String: NameTable.Standing] = [:]
    private var configured: [NameServer] = []
    private var seen = 0
    private var isPaused = false
    private var helper: OutboundHelper?
    private var startFailures = 0
    /// Before that no helper is started.
    private var startAllowed: UInt64 = 0
    private var lastReport = ""
    private var hostsBytes: [UInt8] = []
    private var hosts = HostsFile("")

    private var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    init(_ service: NameService) {
        self.service = service
    }

    func run() {
        while takeWishes() {
            ask()
            tell()
            let ready = Readiness.wait(
                [service.wake.raw, helper?.channel.raw ?? -1, helper?.child.raw ?? -1],
                milliseconds: pause
            )
            if ready[1] { listen() }
            if ready[2] { helperEnded() }
            if let deadline = table.deadline, deadline <= now { helperIsLost("it does not answer") }
        }
        endHelper()
    }

    /// - Returns: false when the service has been stopped.
    private func takeWishes() -> Bool {
        service.wake.clear()
        let board = service.board.withLock { $0 }
        guard !board.isStopped else { return false }
        isPaused = board.isPaused
        if isPaused {
            endHelper()
            table.withdraw(now: now)
        }
        if board.wish != seen {
            seen = board.wish
            if board.nameServers != configured {
                configured = board.nameServers
                table.refresh(now: now)
            }
            table.want(board.names, known: board.known, now: now)
            if table.isEmpty { endHelper() }
        }
        return true
    }

    /// Milliseconds until something is due without an event.
    private var pause: Int32 {
        if isPaused { return -1 }
        let start = helper == nil ? startAllowed : 0
        let due = [table.nextDue.map { max($0, start) }, table.deadline].compactMap(\.self).min()
        guard let due else { return -1 }
        let now = now
        return due <= now ? 0 : Int32(clamping: due - now)
    }

    // MARK: Questions

    private func ask() {
        readHosts()
        let mayAsk = !isPaused && (helper != nil || startAllowed <= now)
        let questions = table.questions(now: now, hosts: hosts, mayAsk: mayAsk)
        guard !questions.isEmpty else { return }
        do {
            let helper = try helper ?? startHelper()
            let servers = NameServers.list(configured, resolvConf: text(of: service.settings.resolvConfPath))
            if servers != helper.nameServers {
                try helper.channel.send(.nameServers(servers))
                helper.nameServers = servers
            }
            for question in questions {
                try helper.channel.send(.resolve(number: question.number, name: question.name))
            }
        } catch {
            helperIsLost("\(error)")
        }
    }

    private func listen() {
        guard let helper else { return }
        do throws(ChannelError) {
            while let message = try helper.channel.receive() {
                switch message {
                case .hello(let process, let sandbox) where !helper.isConfined:
                    helper.isConfined = true
                    report("outbound helper \(process) asks for names as user \(sandbox.user)")
                    for lack in sandbox.lacks { service.settings.report("outbound helper: \(lack)") }
                case .resolved(let number, let answer) where helper.isConfined:
                    table.answer(number, answer, now: now)
                case .hello, .resolved, .restricted, .fetched, .nameServers, .resolve, .restrictions, .fetch:
                    throw .malformed("\(message)")
                }
            }
        } catch .closed {
            // Its end is told by the process itself.
        } catch {
            helperIsLost("\(error)")
        }
    }

    // MARK: The helper

    private func startHelper() throws(SystemError) -> OutboundHelper {
        let started = try OutboundHelper.start(service.settings.helper, user: service.settings.user, now: now)
        helper = started
        return started
    }

    private func helperEnded() {
        guard let end = helper?.child.reap() else { return }
        failed("gatehouse-outbound \(end)")
    }

    /// It cannot be started, or is not to be trusted any more.
    private func helperIsLost(_ reason: String) {
        guard let helper else {
            return failed("\(service.settings.helper) cannot be started (\(reason)); install it beside gatehouse")
        }
        // It may have ended by itself, which is then the better reason.
        if let end = helper.child.wait(milliseconds: 100) { return failed("gatehouse-outbound \(end)") }
        helper.child.signal(SIGKILL)
        _ = helper.child.wait(milliseconds: 1_000)
        failed("gatehouse-outbound was ended: \(reason)")
    }

    private func failed(_ reason: String) {
        if let helper, now - helper.startedAt >= Self.steadyTime { startFailures = 0 }
        helper = nil
        startFailures += 1
        startAllowed = now + min(Self.longestPause, 50 << UInt64(min(startFailures - 1, 20)))
        report(reason)
        table.lose(reason, now: now)
    }

    private func endHelper() {
        guard let helper else { return }
        self.helper = nil
        helper.child.signal(SIGTERM)
        _ = helper.child.wait(milliseconds: 1_000)
    }

    // MARK: What is told

    private func tell() {
        let standings = table.standings
        for (name, standing) in standings.sorted(by: { $0.key < $1.key }) where standing != known[name] {
            tell(name, standing, before: known[name])
        }
        known = standings
        service.publish(standings, isSettled: table.isSettled, seen: seen)
    }

    private func tell(_ name: String, _ standing: NameTable.Standing, before: NameTable.Standing?) {
        if let address = standing.address, address != before?.address {
            let was = before?.address.map { ", no longer \($0)" } ?? ""
            service.settings.report("\(name) is at \(address)\(was)")
        }
        if let problem = standing.problem, problem != before?.problem {
            let still = standing.address.map { "; it stays at \($0)" } ?? ""
            service.settings.report("\(name) cannot be resolved: \(problem)\(still)")
        }
    }

    /// Says a thing once, however often it comes in a row.
    private func report(_ line: String) {
        guard line != lastReport else { return }
        lastReport = line
        service.settings.report(line)
    }

    // MARK: Files

    /// Parsed only when it has changed: some are long.
    private func readHosts() {
        let bytes = (try? FileReading.read(service.settings.hostsPath, limit: 16 << 20)) ?? []
        guard bytes != hostsBytes else { return }
        hostsBytes = bytes
        hosts = HostsFile(String(decoding: bytes, as: UTF8.self))
    }

    private func text(of path: String) -> String {
        String(decoding: (try? FileReading.read(path, limit: 1 << 20)) ?? [], as: UTF8.self)
    }
}
