import Certificates
import Control
import Linux
import OpenSSL
import Site
import Synchronization

/// Orders and renews the certificates of ACME servers while the gateway serves, a few at a time on threads of their own:
/// nothing else waits for a CA, and no certificate for another one's. Those that ask the same CAs have threads of their
/// own, so that a CA that hangs holds up those that need it alone. Any thread may call.
internal final class CertificateOrders: Sendable {
    private struct Board: Sendable {
        var site: SiteModel?
        /// Whose turn it is, by the CAs that they may ask.
        var turns: [[String]: OrderTurns<Order>] = [:]
        /// The names of those that are to be looked at before their time, by the same.
        var wanted: [[String]: Set<String>] = [:]
        var claims = NameClaims()
        var isStopped = false
        /// What was said of each certificate since the last one came.
        var told: [String: Set<String>] = [:]
    }

    /// A certificate that an ACME server issues, or a standby, as a site file has it.
    private struct Order: Sendable {
        let settings: CertificateSettings
        let acme: ACMESettings
        let site: SiteModel
    }

    /// Wakes a thread that looks after the certificates of the same CAs.
    private final class Bell: Sendable {
        let event: EventFD

        init() throws(SystemError) { event = try EventFD() }
    }

    /// Such a thread.
    private struct Desk: Sendable {
        let thread: Thread
        let bell: Bell
    }

    /// How many are ordered at a time of the same CAs: each has a helper process of its own, and a CA counts connections.
    private static let atOnce = 8
    /// Seconds between two looks at what is due: the clock may be set, and files may be changed.
    private static let interval: Int32 = 60

    private let board = Mutex(Board())
    /// By the directories of their CAs, the first and its fallbacks.
    private let desks = Mutex<[[String]: Desk]>([:])
    private let requests: ControlRequests
    private let user: UserAccount?

    /// - Parameters:
    ///   - requests: by which the gateway is asked to take over what is new.
    ///   - user: whom the outbound helper becomes; nil for whoever runs this.
    init(_ requests: ControlRequests, user: UserAccount?) {
        self.requests = requests
        self.user = user
    }

    /// A CA is being spoken to.
    var isOrdering: Bool { board.withLock { $0.turns.values.contains { !$0.isIdle } } }

    /// From now on this site's certificates are kept fresh. Starts the threads of CAs that are new; those of CAs that are
    /// asked no more have nothing to do, and stay.
    ///
    /// - Parameter names: the certificates that are to be looked at now, with their standbys: the others' time comes. Nil for all.
    func want(_ site: SiteModel, of names: Set<String>? = nil) throws(SystemError) {
        board.withLock { board in
            board.site = site
            for order in Self.orders(of: site) where names?.contains(order.settings.nameWithoutStandby) ?? true {
                board.wanted[order.acme.directories, default: []].insert(order.settings.name)
            }
        }
        if let names, names.isEmpty { return }
        let failure = desks.withLock { desks -> SystemError? in
            do throws(SystemError) {
                for order in Self.orders(of: site) where desks[order.acme.directories] == nil {
                    let (directories, bell) = (order.acme.directories, try Bell())
                    let thread = try Thread.start(name: "certificates") { self.run(directories, bell) }
                    desks[directories] = Desk(thread: thread, bell: bell)
                }
                return nil
            } catch {
                return error
            }
        }
        wakeAll()
        if let failure { throw failure }
    }

    /// Ends the threads; those that wait for a CA end with the process.
    func stop() {
        board.withLock { $0.isStopped = true }
        wakeAll()
        let ended = desks.withLock { desks in
            defer { desks = [:] }
            return desks
        }
        for (directories, desk) in ended where board.withLock({ $0.turns[directories]?.isIdle ?? true }) {
            desk.thread.join()
        }
    }

    private func wakeAll() {
        desks.withLock { for desk in $0.values { desk.bell.event.signal() } }
    }

    private static func orders(of site: SiteModel) -> [Order] {
        site.certificates.values.sorted { $0.name < $1.name }
            .flatMap { [$0] + [$0.standbyCertificate].compactMap(\.self) }
            .compactMap { settings in
                guard case .acme(let acme) = settings.issuer else { return nil }
                return Order(settings: settings, acme: acme, site: site)
            }
    }

    // MARK: The threads

    private func run(_ directories: [String], _ bell: Bell) {
        // When all are looked at: monotonic milliseconds.
        var look: UInt64 = 0
        while true {
            // Before the board is read: what is put on it after that rings again.
            bell.event.clear()
            let wanted = board.withLock { $0.wanted.removeValue(forKey: directories) ?? [] }
            guard let site = board.withLock({ $0.isStopped ? nil : $0.site }) else { return }
            let now = Schedule.uptime
            let names: Set<String>? = now < look ? wanted : nil
            if names == nil { look = now + UInt64(Self.interval) * 1000 }
            let orders = Self.orders(of: site).filter { $0.acme.directories == directories }
                .map { (name: $0.settings.name, item: $0) }
            let hands = board.withLock {
                $0.turns[directories, default: .init()].want(orders, only: names, atOnce: Self.atOnce)
            }
            // Not waited for: one that fails, or whose CA hangs, keeps no other from its turn, nor from being served.
            for _ in 0..<hands {
                do throws(SystemError) {
                    try Thread.start(name: "order") { self.takeTurns(directories) }.detach()
                } catch {
                    takeTurns(directories)
                }
            }
            _ = Readiness.wait([bell.event.raw], milliseconds: Int32(look - now))
        }
    }

    private func takeTurns(_ directories: [String]) {
        while let (name, turn) = take(directories) {
            if order(turn.settings, turn.acme, of: turn.site) {
                // A standby is none of those that are served.
                let isServed = turn.site.certificates[name] != nil
                _ = requests.ask(.republish(of: isServed ? [name] : nil))
            }
            _ = board.withLock { $0.turns[directories]?.end(name) }
        }
    }

    private func take(_ directories: [String]) -> (name: String, item: Order)? {
        board.withLock { board in
            if board.isStopped { board.turns[directories]?.clear() }
            return board.turns[directories]?.take()
        }
    }

    /// - Returns: whether there is a new certificate.
    private func order(_ settings: CertificateSettings, _ acme: ACMESettings, of site: SiteModel) -> Bool {
        let provider = CertificateProvider(for: site, now: Schedule.time, after: .ofGateway)
        let outside = outside(of: site, for: settings.name)
        guard provider.need(of: settings, acme, outside) != nil else { return false }
        let names = settings.names.map { "\($0)" }
        guard board.withLock({ $0.claims.claim(names) }) else { return false }
        defer { release(names) }
        do throws(CertificateProblem) {
            let bundle = try provider.claimed(settings, by: CertificateClaim.gateway, isPatient: false, tell: { _ in })
            {
                () throws(CertificateProblem) -> CertificateBundle? in
                // A command may have ordered it between the look and the claim.
                try provider.whereNeeded(settings, { provider.need(of: settings, acme, outside) }) {
                    (reason, footing) throws(CertificateProblem) in
                    try provider.order(settings, acme, reason: reason, on: footing, outside)
                }
            }
            guard let bundle else { return false }
            board.withLock { $0.told[settings.name] = nil }
            let plan = provider.plan(of: settings, acme)
            GatewayProcess.log(
                "certificate \(settings.name): issued by \(plan.origin?.directory ?? acme.directory), good until "
                    + UTC.text(bundle.leaf.validity.upperBound)
            )
            if plan.hurries > 0 { GatewayProcess.log("certificate \(settings.name): \(plan.wordsOfHurry)") }
            if !plan.problem.isEmpty {
                tell("certificate \(settings.name): \(plan.problem)", plan, provider.standing(settings))
            }
            return true
        } catch .beingMade(let name, let claim) {
            // By a command, which has what it made published, if it ever ends.
            tellOnce("\(CertificateProblem.beingMade(name: name, claim))", of: settings.name)
            return false
        } catch .goneBack(let name, let moment) {
            GatewayProcess.log("\(CertificateProblem.goneBack(name: name, until: moment))")
            return false
        } catch .putThere(let name) {
            GatewayProcess.log("\(CertificateProblem.putThere(name: name))")
            return false
        } catch .otherWish(let name, let ordered, let wanted) {
            // What is asked for now has a turn of its own.
            GatewayProcess.log("\(CertificateProblem.otherWish(name: name, ordered: ordered, wanted: wanted))")
            return false
        } catch .vacantStore, .olderStore {
            // That is told once, by whoever looks at what is to be served.
            return false
        } catch {
            tell("\(error)", provider.plan(of: settings, acme), provider.standing(settings))
            return useStandby(settings, provider)
        }
    }

    /// The names are certified by others, where others have wanted that meanwhile, as another CA that a reload has named.
    private func release(_ names: [String]) {
        let isWanted = board.withLock { board -> Bool in
            guard board.claims.release(names), let site = board.site else { return false }
            for order in Self.orders(of: site) where order.settings.names.contains(where: { names.contains("\($0)") }) {
                board.wanted[order.acme.directories, default: []].insert(order.settings.name)
            }
            return true
        }
        if isWanted { wakeAll() }
    }

    /// Puts the standby in the place of one that is of no use, and that its CA has not replaced.
    private func useStandby(_ settings: CertificateSettings, _ provider: CertificateProvider) -> Bool {
        guard let cause = provider.standbyCause(settings) else { return false }
        do throws(CertificateProblem) {
            let bundle = try provider.useStandby(settings, reason: cause)
            GatewayProcess.log(
                "certificate \(settings.name): ITS STANDBY IS SERVED, of \(bundle.leaf.issuer), since \(cause)"
            )
            return true
        } catch {
            GatewayProcess.log("\(error)")
            return false
        }
    }

    /// Says something of a certificate; once for what stays so.
    private func tellOnce(_ text: String, of name: String) {
        let isNews = board.withLock { board in
            // Words of CAs may differ each time.
            if board.told[name, default: []].count >= Self.mostTold { board.told[name] = nil }
            return board.told[name, default: []].insert(text).inserted
        }
        if isNews { GatewayProcess.log(text) }
    }

    private static let mostTold = 32

    /// What went wrong, and how much time is left.
    private func tell(_ problem: String, _ plan: RenewalPlan, _ standing: CertificateStanding) {
        let runway = standing.runway(at: Schedule.time) ?? 0
        GatewayProcess.log(
            "\(problem); try \(plan.failures) in a row, the next at \(UTC.text(plan.next)); "
                + "\(runway) remain before it ends"
        )
    }

    private func outside(of site: SiteModel, for name: String) -> CertificateProvider.Outside {
        CertificateProvider.Outside(
            transport: { [user] acme in OutboundTransport(OutboundTransport.Settings(acme, of: site, user: user)) },
            publish: { [requests] () throws(ACMEProblem) in
                // Answers to CAs are looked at in any case.
                let reply = requests.ask(.republish(of: []))
                guard reply.exit == 0 else {
                    throw .library("the gateway cannot show the CA what it looks for; its log says why")
                }
            },
            tell: { [self] text in tellOnce("certificate \(name): \(text)", of: name) },
            wish: { [self] settings in
                let site = board.withLock { $0.site }
                return site?.certificates.wish(of: settings.name) ?? "no certificate of this name"
            }
        )
    }
}

extension CertificateSettings {
    /// Of a standby the name of the certificate that it is kept ready for.
    fileprivate var nameWithoutStandby: String {
        name.hasSuffix(Self.standbySuffix) ? String(name.dropLast(Self.standbySuffix.count)) : name
    }
}

extension ACMESettings {
    /// Of all CAs that may be asked for one certificate, in their order.
    fileprivate var directories: [String] { candidates.map(\.directory) }
}
