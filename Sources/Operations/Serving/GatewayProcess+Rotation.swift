import Certificates
import Control
import Gateway
import Linux
import OpenSSL
import Site

/// After new certificates came into force: what clients get is looked at, and what is wrong is taken back.
extension GatewayProcess {
    /// Names that are asked for after one change; of thousands at once, so many tell as much as all.
    private static let mostLooks = 100

    /// Brings the certificates and ticket keys of `fresh`, which differs in them alone, into force: nothing but new
    /// handshakes takes note of it, and what it costs grows with what is new.
    internal func replaceCertificates(by fresh: SiteConfiguration) throws {
        for note in fresh.notes { Self.log(note) }
        let before = (configuration: configuration, slots: slots)
        let changes = CertificateGate.changes(from: configuration.keyring, to: fresh.keyring)
        try Thread.inBackground { () throws(ConfigurationError) in try CertificateGate.rehearse(changes) }
        try bringCertificates(of: fresh)
        try confirm(changes, orBack: before)
    }

    private func bringCertificates(of next: SiteConfiguration) throws {
        let fresh = next.with(addressesOf: configuration)
        let budget = budget(for: fresh, listeners)
        let news = fresh.keyring.names(differingFrom: configuration.keyring)
        let keys = GatewayKeys(
            keyring: Keyring(
                fresh.keyring.certificates.filter { news.contains($0.key) },
                trials: fresh.keyring.trials.filter { news.contains($0.key) }
            ),
            tickets: tickets
        )
        let change = OutgoingChange(try outgoing(fresh, slots, listeners, budget), keys: try keys.sealed())
        let begin = Clock.monotonicNanoseconds
        let moment = try patiently { () throws(SupervisorError) in try supervisor.change(change) }
        changeTime = Int((max(begin, moment) - begin) / 1000)
        let warnings = warnings(of: fresh, budget)
        tell(warnings)
        configuration = fresh
        self.warnings = warnings
        plan = fresh.plan
        show(fresh)
        setSchedule(for: fresh)
        followTrials()
    }

    /// How the certificates of a name are in use, as the data plane says.
    internal func uses(of certificate: String) -> AdminReply {
        do throws(SupervisorError) {
            let reports = try supervisor.uses(of: certificate)
            return .result(JSONValue.array(reports.map(\.document)).line)
        } catch {
            return .error("\(error)", exit: 1)
        }
    }

    /// - Parameter before: what goes back into force when clients do not get what they should.
    internal func confirm(
        _ changes: [CertificateGate.Change],
        orBack before: (configuration: SiteConfiguration, slots: PlanCompiler.Slots)
    ) throws {
        guard !changes.isEmpty else { return }
        let generations = configuration.keyring.generations(for: plan)
        let addresses = Dictionary(
            uniqueKeysWithValues: configuration.listenerRequests.map { ($0.listener, $0.requests.first?.address) }
        )
        for change in changes.prefix(Self.mostLooks) {
            guard let name = change.bundles.first?.names.first else { continue }
            for listener in plan.listeners where listener.tls?.certificates.contains(change.name) ?? false {
                guard let address = addresses[listener.id] ?? nil else { continue }
                let expected = generations[listener.id]?.leaves(for: name) ?? []
                switch Thread.inBackground({ CertificateGate.look(at: address, for: name, expecting: expected) }) {
                case .good: continue
                case .unknown(let why): Self.log("certificate \(change.name): \(why)")
                case .wrong(let why): try goBack(to: before, from: change.name, because: why)
                }
            }
            Self.log("certificate \(change.name): served, as a handshake showed")
        }
        for change in changes where configuration.keyring.trials[change.name] == nil {
            if let settings = configuration.site.certificates[change.name] {
                deployments.want(settings, of: configuration.site)
            }
        }
    }

    /// Puts the configuration before into force again, and the store's generation before with it.
    private func goBack(
        to before: (configuration: SiteConfiguration, slots: PlanCompiler.Slots),
        from name: String,
        because why: String
    ) throws {
        if let settings = configuration.site.certificates[name], settings.issuer.isStored {
            let keyring = before.configuration.keyring
            let isStored = !before.configuration.standIns.contains(name)
            let known = isStored ? (keyring.trials[name]?.bundles ?? keyring.certificates[name])?.first : nil
            let provider = CertificateProvider(for: configuration.site, now: Schedule.time)
            let reason = "clients did not get it: \(why)"
            do throws(CertificateProblem) {
                if let known {
                    try provider.restore(known, settings, reason: reason)
                } else {
                    _ = try provider.rollBack(settings, reason: reason)
                }
            } catch {
                Self.log("certificate \(name): the store could not be rolled back: \(error)")
            }
        }
        var again = before.configuration
        again.plan.generation = configuration.plan.generation + 1
        again.notes = []
        if again.differsInCertificatesAlone(from: configuration) {
            try bringCertificates(of: again)
        } else {
            try bring(try resolved(again), before.slots, isNews: false)
        }
        throw ConfigurationError.rolledBack(name, why: why)
    }
}

extension CertificateUseReport {
    fileprivate var document: JSONValue {
        .object([
            .init("fingerprint", .string(fingerprint)),
            .init("shown", .boolean(isShown)),
            .init("key_held", .boolean(isKeyHeld)),
            .init("connections", .integer(connections)),
            .init("last_ended", lastEnd.map { .string(UTC.text($0)) } ?? .null),
            .init("drains", .boolean(drains)),
        ])
    }
}
