import Certificates
import Control
import Gateway
import Linux
import OpenSSL
import Site

/// New certificates that a share of the clients is shown first: looked at every second, until they are for all or for
/// nobody.
extension GatewayProcess {
    /// `fresh` as it is to be served: what is new may be on trial first.
    internal func tried(_ fresh: SiteConfiguration) -> SiteConfiguration {
        isServing ? canaries.tried(fresh, after: configuration, at: Schedule.time) : fresh
    }

    /// Takes note of trials that begin with what came into force.
    internal func followTrials() {
        let isBeginning = canaries.isBeginning
        let (begun, over) = canaries.follow(configuration, at: Schedule.uptime)
        schedule.trial = canaries.isEmpty ? .max : Schedule.uptime + Canaries.interval
        view.update { [trials = configuration.keyring.trials] in $0.adopt(trials: trials) }
        for name in over {
            // Also of one that left the site file: its mark would keep it from being retired.
            tellStore(of: name) { [identity, site = configuration.site] provider throws(CertificateProblem) in
                if isBeginning, let settings = site.certificates[name], settings.issuer.isStored {
                    try provider.promoteAfterStart(settings, at: identity)
                }
                try provider.endTrial(of: name, at: identity)
            }
        }
        for name in begun {
            guard let trial = configuration.keyring.trials[name], let fresh = trial.bundles.first,
                let known = configuration.keyring.certificates[name]?.first
            else { continue }
            var isKnown = false
            tellStore(of: name) { [identity] provider, settings throws(CertificateProblem) in
                let reason = "to \(trial.share) % of the clients first"
                isKnown = try provider.offer(fresh, besides: known, settings, at: identity, reason: reason)
            }
            canaries.note(name, isKnownToStore: isKnown)
            Self.log("certificate \(name): a new one is shown to \(trial.share) % of the clients first")
        }
    }

    /// Looks what has become of them.
    internal func judgeTrials() {
        schedule.trial = Schedule.uptime + Canaries.interval
        endTrialsThatOthersEnded()
        let reports: [CertificateTrialReport]
        do throws(SupervisorError) {
            reports = try supervisor.trials()
        } catch {
            // A data plane that is being replaced counts anew.
            return
        }
        view.update { $0.show(reports) }
        for name in configuration.keyring.trials.keys.sorted() {
            guard let settings = configuration.site.certificates[name], let canary = settings.canary,
                let report = reports.first(where: { $0.name == name })
            else { continue }
            switch CanaryVerdict.judge(report, after: canaries.age(of: name, at: Schedule.uptime), canary) {
            case .undecided: continue
            case .promote(let why): promote(settings, why)
            case .refuse(let why): takeBack(settings, why)
            }
        }
    }

    /// Of gateways that share a store, one may be told that a key is known to somebody: the others take their trials' marks,
    /// which it deletes, for its word.
    private func endTrialsThatOthersEnded() {
        let provider = CertificateProvider(for: configuration.site, now: Schedule.time)
        for name in canaries.knownToStore where !provider.isTrialKnown(of: name, at: identity) {
            if let settings = configuration.site.certificates[name] {
                promote(settings, "its mark was taken out of the store, as for a key that is known to somebody")
            }
        }
    }

    /// Ends all trials for the new ones: of the others, one may be whose key is known to somebody.
    internal func promoteAll(_ why: String) {
        for name in configuration.keyring.trials.keys.sorted() {
            if let settings = configuration.site.certificates[name] { promote(settings, why) }
        }
    }

    private func promote(_ settings: CertificateSettings, _ why: String) {
        let name = settings.name
        guard let trial = configuration.keyring.trials[name], let shown = configuration.keyring.certificates[name]
        else { return }
        var next = again
        next.keyring.promote(name)
        Canaries.lend([(from: configuration.own(shown, of: name), to: trial.bundles)], in: &next)
        do {
            try replaceCertificates(by: next)
        } catch {
            return Self.log("certificate \(name): could not be given to all clients: \(error)")
        }
        view.update { $0.trialsPromoted += 1 }
        if let fresh = trial.bundles.first {
            tellStore(of: name) { provider, settings throws(CertificateProblem) in
                try provider.promote(fresh, settings, reason: why)
            }
        }
        Self.log("certificate \(name): the new one is for all clients now: \(why)")
        deployments.want(settings, of: configuration.site)
    }

    private func takeBack(_ settings: CertificateSettings, _ why: String) {
        let name = settings.name
        canaries.refuse(name, at: Schedule.time)
        let fresh = configuration.keyring.trials[name]?.bundles.first
        var next = again
        next.keyring.trials[name] = nil
        do {
            try replaceCertificates(by: next)
        } catch {
            return Self.log("certificate \(name): clients refuse it (\(why)), and it could not be taken back: \(error)")
        }
        if let known = configuration.keyring.certificates[name]?.first {
            tellStore(of: name) { provider, settings throws(CertificateProblem) in
                try provider.refuse(settings, backTo: known, reason: why)
            }
        }
        if case .files = settings.issuer, let fresh {
            tellStore(of: name) { provider throws(CertificateProblem) in
                try provider.refuseFiles(settings, fresh, reason: why)
            }
        }
        view.update { $0.trialsRefused += 1 }
        // The one before may be good for longer than the pause.
        let due = CertificateProvider(for: configuration.site, now: Schedule.time).standing(settings).due ?? 0
        let moment = max(due, Schedule.time + CertificateProvider.pauseAfterRefusal)
        Self.log(
            "certificate \(name): ROLLED BACK, clients refuse the new one: \(why); the one before is served to all, the "
                + "next try is at \(UTC.text(moment))"
        )
    }

    /// Files that clients refused, which an upgrade would give to all: it reads no others. nil when there are none.
    internal var refusedFiles: String? {
        let now = Schedule.time
        let provider = CertificateProvider(for: configuration.site, now: now)
        for (name, settings) in configuration.site.certificates.sorted(by: { $0.key < $1.key })
        where canaries.holdsBack(name, at: now) {
            if let words = provider.refusal(of: settings) { return "certificate \(name): \(words)" }
        }
        return nil
    }

    /// Has the store follow what became of a certificate, where it comes from there.
    private func tellStore(
        of name: String,
        _ act: (CertificateProvider, CertificateSettings) throws(CertificateProblem) -> Void
    ) {
        guard let settings = configuration.site.certificates[name], settings.issuer.isStored else { return }
        tellStore(of: name) { provider throws(CertificateProblem) in try act(provider, settings) }
    }

    private func tellStore(
        of name: String,
        _ act: (CertificateProvider) throws(CertificateProblem) -> Void
    ) {
        do throws(CertificateProblem) {
            try act(CertificateProvider(for: configuration.site, now: Schedule.time))
        } catch {
            Self.log("certificate \(name): the store could not follow: \(error)")
        }
    }
}
