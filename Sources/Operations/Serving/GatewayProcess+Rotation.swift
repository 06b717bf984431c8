import Certificates
import Control
import Gateway
import Linux
import OpenSSL
import Site

/// After new certificates came into force: what clients get is looked at, and what is wrong is taken back.
extension GatewayProcess {
    /// Certificates that are looked at after one change: each takes a handshake, for which commands and reloads wait.
    private static let mostLooks = 100

    /// Brings the certificates and ticket keys of `fresh`, which differs in them alone, into force: nothing but new
    /// handshakes takes note of it, and what it costs grows with what is new. What clients do not get of it is taken back,
    /// and keeps no others from being served.
    ///
    /// - Parameter isWhole: files that clients would not get are an error; else they alone are missed.
    internal func replaceCertificates(by fresh: SiteConfiguration, isWhole: Bool = false) throws {
        for note in fresh.notes { Self.log(note) }
        let before = configuration
        let (gated, changes) = try gated(fresh, isWhole: isWhole)
        try bringCertificates(of: gated)
        let wrong = confirm(changes)
        guard !wrong.isEmpty else { return }
        for (name, why) in wrong { returnStore(of: name, in: gated.site, to: before, because: why) }
        var again = configuration.keeping(wrong, of: before, at: Schedule.time)
        again.plan.generation += 1
        again.notes = []
        try bringCertificates(of: again)
    }

    /// `fresh` as far as clients would get it: of a certificate that none would, what was served before is served on, and the
    /// store goes back to that, so that no restart serves what was refused here.
    ///
    /// - Returns: with it, what is new in it.
    internal func gated(
        _ fresh: SiteConfiguration,
        isWhole: Bool
    ) throws -> (fresh: SiteConfiguration, changes: [CertificateGate.Change]) {
        guard isServing else { return (fresh, []) }
        let changes = CertificateGate.changes(from: configuration.keyring, to: fresh.keyring)
        let refused = Thread.inBackground { CertificateGate.rehearse(changes) }
        for (name, why) in refused {
            let isStored = fresh.site.certificates[name]?.issuer.isStored ?? false
            guard configuration.keyring.certificates[name] != nil, isStored || !isWhole else {
                throw ConfigurationError.unservable(name, why)
            }
        }
        let reasons = refused.mapValues { "\($0)" }
        for (name, why) in reasons { returnStore(of: name, in: fresh.site, to: configuration, because: why) }
        let kept = fresh.keeping(reasons, of: configuration, at: Schedule.time)
        return (kept, changes.filter { refused[$0.name] == nil })
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
        changeEnd = moment
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

    /// Looks at what clients get of certificates that have come into force.
    ///
    /// - Returns: what they get instead, by the names of those that they do not get.
    internal func confirm(_ changes: [CertificateGate.Change]) -> [String: String] {
        guard !changes.isEmpty else { return [:] }
        let generations = configuration.keyring.generations(for: plan)
        let addresses = Dictionary(
            uniqueKeysWithValues: configuration.listenerRequests.compactMap { listener, requests in
                requests.first.map { (listener, $0.address) }
            }
        )
        var wrong: [String: String] = [:]
        var silent: [Int: CertificateGate.Finding] = [:]
        for change in changes.prefix(Self.mostLooks) {
            let findings = look(at: change, in: generations, by: addresses, passing: &silent)
            wrong[change.name] = findings.lazy.compactMap(\.fault).first
            if findings.isEmpty { unseen.insert(change.name) } else { unseen.remove(change.name) }
            tell(findings, of: change.name)
        }
        if changes.count > Self.mostLooks {
            Self.log(
                "\(changes.count) certificates came into force at once; handshakes were made for"
                    + " \(Self.mostLooks) of them, the first by their names, and none for the others"
            )
        }
        for change in changes where wrong[change.name] == nil && configuration.keyring.trials[change.name] == nil {
            if let settings = configuration.site.certificates[change.name] {
                deployments.want(settings, of: configuration.site)
            }
        }
        return wrong
    }

    /// Looks at what clients get of one certificate, of each kind of key, at each listener that shows it.
    ///
    /// - Parameters:
    ///   - generations: what is shown now, by listener.
    ///   - addresses: where each listener is asked.
    ///   - silent: why a listener gave no answer. Such a one is asked nothing more, since commands and reloads wait.
    /// - Returns: none where no client gets it.
    private func look(
        at change: CertificateGate.Change,
        in generations: [Int: CertificateGeneration],
        by addresses: [Int: SocketAddress],
        passing silent: inout [Int: CertificateGate.Finding]
    ) -> [CertificateGate.Finding] {
        var findings: [CertificateGate.Finding] = []
        for listener in plan.listeners where listener.tls?.certificates.contains(change.name) ?? false {
            guard let address = addresses[listener.id], let shown = generations[listener.id] else { continue }
            for bundle in change.bundles {
                guard let name = shown.nameAsked(for: bundle) else { continue }
                let finding =
                    silent[listener.id]
                    ?? Thread.inBackground {
                        let expected = shown.leaves(for: name, bundle.algorithm)
                        return CertificateGate.look(at: address, for: name, bundle.algorithm, expecting: expected)
                    }
                if finding.obstacle != nil { silent[listener.id] = finding }
                findings.append(finding)
            }
        }
        return findings
    }

    /// Tells what looks at one certificate came to, when nothing was wrong.
    private func tell(_ findings: [CertificateGate.Finding], of name: String) {
        guard findings.allSatisfy({ $0.fault == nil }) else { return }
        let unknown = findings.compactMap(\.obstacle)
        for why in unknown { Self.log("certificate \(name): nobody could look whether clients get it: \(why)") }
        if findings.isEmpty {
            Self.log(
                "certificate \(name): no client gets it: for each of its names its listeners show others, which come first in their "
                    + "`certificates`, and none has it for clients that name no host (`unknown-name: default`)"
            )
        } else if unknown.isEmpty {
            Self.log("certificate \(name): served, as a handshake showed")
        }
    }

    /// Has the programs run that the site file names, and that were not run for what is in force to a good end.
    internal func deployOwed() {
        let site = configuration.site
        deployments.forget(besides: site)
        let provider = CertificateProvider(for: site, now: Schedule.time)
        let view = self.view.value
        for settings in site.certificates.values.sorted(by: { $0.name < $1.name })
        where settings.deploy != nil && configuration.keyring.trials[settings.name] == nil
            && provider.owesDeployment(settings, showing: view.fingerprints(of: settings.name), at: identity)
        {
            deployments.want(settings, of: site, isOwed: true)
        }
    }

    /// Puts the configuration before into force again, and the store's generations before with it, where clients do not get
    /// some certificates of the one that has come into force.
    ///
    /// - Parameter wrong: what they get instead, by the certificates' names.
    internal func goBack(
        to before: (configuration: SiteConfiguration, slots: PlanCompiler.Slots),
        from wrong: [String: String]
    ) throws {
        guard let (name, why) = wrong.min(by: { $0.key < $1.key }) else { return }
        for (name, why) in wrong {
            returnStore(of: name, in: configuration.site, to: before.configuration, because: why)
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

    /// Has the store go back to what `before` served of a certificate that clients did not get.
    private func returnStore(
        of name: String,
        in site: SiteModel,
        to before: SiteConfiguration,
        because why: String
    ) {
        guard let settings = site.certificates[name], settings.issuer.isStored else { return }
        let isStored = !before.standIns.contains(name)
        let shown = before.keyring.trials[name]?.bundles ?? before.keyring.certificates[name]
        do throws(CertificateProblem) {
            try CertificateProvider(for: site, now: Schedule.time).takeBack(
                settings,
                to: isStored ? shown?.first : nil,
                reason: "clients did not get it: \(why)"
            )
        } catch {
            Self.log("certificate \(name): the store could not be rolled back: \(error)")
        }
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
