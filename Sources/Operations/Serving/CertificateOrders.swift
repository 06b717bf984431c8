import Certificates
import Control
import Linux
import OpenSSL
import Site
import Synchronization

/// Orders and renews the certificates of ACME servers while the gateway serves, a few at a time on threads of their own:
/// nothing else waits for a CA, and no certificate for another one's. Any thread may call.
internal final class CertificateOrders: Sendable {
    private struct Board: Sendable {
        var site: SiteModel?
        /// How many are being ordered.
        var orders = 0
        var isStopped = false
    }

    /// How many are ordered at a time: each has a helper process of its own, and a CA counts connections.
    private static let atOnce = 8
    /// Seconds between two looks at what is due: the clock may be set, and files may be changed.
    private static let interval: Int32 = 60

    private let board = Mutex(Board())
    private let wake: EventFD
    private let thread = Mutex<Thread?>(nil)
    private let requests: ControlRequests
    private let user: UserAccount?

    /// - Parameters:
    ///   - requests: by which the gateway is asked to take over what is new.
    ///   - user: whom the outbound helper becomes; nil for whoever runs this.
    init(_ requests: ControlRequests, user: UserAccount?) throws(SystemError) {
        self.requests = requests
        self.user = user
        wake = try EventFD()
    }

    /// A CA is being spoken to.
    var isOrdering: Bool { board.withLock { $0.orders > 0 } }

    /// From now on this site's certificates are kept fresh. Starts the thread with the first that has one of ACME.
    func want(_ site: SiteModel) throws(SystemError) {
        board.withLock { $0.site = site }
        wake.signal()
        guard !Self.orders(of: site).isEmpty else { return }
        let failure = thread.withLock { thread -> SystemError? in
            guard thread == nil else { return nil }
            do throws(SystemError) {
                thread = try Thread.start(name: "certificates") { self.run() }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Ends the thread; one that waits for a CA ends with the process.
    func stop() {
        board.withLock { $0.isStopped = true }
        wake.signal()
        thread.withLock { thread in
            if !isOrdering { thread?.join() }
            thread = nil
        }
    }

    /// The certificates that listeners show, and their standbys, that an ACME server issues.
    private static func orders(of site: SiteModel) -> [(CertificateSettings, ACMESettings)] {
        let served = Set(site.gateway?.listeners.flatMap { $0.tls?.certificates ?? [] } ?? [])
        return site.certificates.values.filter { served.contains($0.name) }.sorted { $0.name < $1.name }
            .flatMap { [$0] + [$0.standbyCertificate].compactMap(\.self) }
            .compactMap { settings in
                guard case .acme(let acme) = settings.issuer else { return nil }
                return (settings, acme)
            }
    }

    /// The orders by lanes: those that have a name in common, a certificate and its standby for instance, come one
    /// after another, since a handshake for a name shows one answer to TLS-ALPN-01.
    private static func lanes(of site: SiteModel) -> [[(CertificateSettings, ACMESettings)]] {
        var lanes: [[(CertificateSettings, ACMESettings)]] = []
        var places: [String: Int] = [:]
        for order in orders(of: site) {
            let found = Set(order.0.names.compactMap { places["\($0)"] }).sorted()
            let place = found.first ?? lanes.count
            if found.isEmpty { lanes.append([]) }
            for other in found.dropFirst() {
                lanes[place] += lanes[other]
                lanes[other] = []
            }
            lanes[place].append(order)
            for member in found.count > 1 ? lanes[place] : [order] {
                for name in member.0.names { places["\(name)"] = place }
            }
        }
        return lanes.filter { !$0.isEmpty }
    }

    // MARK: The thread

    private func run() {
        while let site = board.withLock({ $0.isStopped ? nil : $0.site }) {
            wake.clear()
            // One that fails, or whose CA hangs, keeps no other from its turn, nor from being served.
            _ = Parallel.map(Self.lanes(of: site), threads: Self.atOnce) { lane in
                for (settings, acme) in lane {
                    guard !self.board.withLock(\.isStopped) else { return }
                    if self.order(settings, acme, of: site) { _ = self.requests.ask(.republish) }
                }
            }
            _ = Readiness.wait([wake.raw], milliseconds: Self.interval * 1000)
        }
    }

    /// - Returns: whether there is a new certificate.
    private func order(_ settings: CertificateSettings, _ acme: ACMESettings, of site: SiteModel) -> Bool {
        let provider = CertificateProvider(for: site, now: Schedule.time)
        board.withLock { $0.orders += 1 }
        defer { board.withLock { $0.orders -= 1 } }
        let outside = outside(of: site)
        guard let reason = provider.need(of: settings, acme, outside) else { return false }
        do throws(CertificateProblem) {
            let bundle = try provider.order(settings, acme, reason: reason, outside)
            let plan = provider.plan(of: settings, acme)
            GatewayProcess.log(
                "certificate \(settings.name): issued by \(plan.origin?.directory ?? acme.directory), good until "
                    + UTC.text(bundle.leaf.validity.upperBound)
            )
            if !plan.problem.isEmpty {
                tell("certificate \(settings.name): \(plan.problem)", plan, provider.standing(settings))
            }
            return true
        } catch {
            tell("\(error)", provider.plan(of: settings, acme), provider.standing(settings))
            return useStandby(settings, provider)
        }
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

    /// What went wrong, and how much time is left.
    private func tell(_ problem: String, _ plan: RenewalPlan, _ standing: CertificateStanding) {
        let runway = standing.runway(at: Schedule.time) ?? 0
        GatewayProcess.log(
            "\(problem); try \(plan.failures) in a row, the next at \(UTC.text(plan.next)); "
                + "\(runway) remain before it ends"
        )
    }

    private func outside(of site: SiteModel) -> CertificateProvider.Outside {
        CertificateProvider.Outside(
            transport: { [user] acme in OutboundTransport(OutboundTransport.Settings(acme, of: site, user: user)) },
            publish: { [requests] () throws(ACMEProblem) in
                let reply = requests.ask(.republish)
                guard reply.exit == 0 else {
                    throw .challenge(name: site.name, why: "the gateway cannot show it; its log says why")
                }
            },
            tell: { _ in }
        )
    }
}
