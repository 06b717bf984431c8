package import OpenSSL
package import Site

/// What is shown in place of a certificate of the store that is damaged, so that it is missed alone, and not with all the
/// others of the site.
extension CertificateProvider {
    /// The certificate; else its standby; else, where what the store holds of it cannot be used, the generation before;
    /// else what stands in for one that its CA has not given yet. Files that some clients refuse are served for want of
    /// anything else.
    ///
    /// - Parameters:
    ///   - found: what `find` gave.
    ///   - served: what is served already: when that is good, a fault is only told, and nothing replaced.
    ///   - isStart: nothing is served yet.
    package func provide(
        _ settings: CertificateSettings,
        found: Result<Provided?, CertificateProblem>,
        served: [CertificateBundle],
        isStart: Bool
    ) throws(CertificateProblem) -> Provided {
        func isServed() -> Bool {
            !served.isEmpty
                && served.allSatisfy { $0.leaf.validity.contains(now) && disavowal(of: $0.chain, settings) == nil }
        }
        do throws(CertificateProblem) {
            return try provideWithStandby(settings, found: found, isServed: isServed())
        } catch {
            if let doubtful = doubtful(settings, error, served: served, isStart: isStart) { return doubtful }
            guard settings.issuer.isStored, error.isDamage, !isServed() else { throw error }
            guard let makeshift = makeshift(settings, error) else { throw error }
            return makeshift
        }
    }

    /// Files that clients may refuse, or that this machine's clock calls ended: that may be what is wrong. A gateway that does
    /// not start is refused by all clients, for all its names; one that runs takes them in place of nothing else.
    private func doubtful(
        _ settings: CertificateSettings,
        _ problem: CertificateProblem,
        served: [CertificateBundle],
        isStart: Bool
    ) -> Provided? {
        guard case .files(let pairs) = settings.issuer, problem.isDoubt else { return nil }
        var bundles: [CertificateBundle] = []
        for pair in pairs {
            guard let bundle = try? CertificateSource.load(certificate: pair.certificate, key: pair.key),
                // What is in doubt is one of them; no handshake brings one that is too weak.
                (try? bundle.requireStrength()) != nil,
                settings.names.contains(where: bundle.covers)
            else { return nil }
            bundles.append(bundle)
        }
        // Of several kinds of keys, one that has ended is not needed.
        let current = bundles.filter { (try? $0.requireValid(at: now)) != nil }
        var provided = Provided(bundles: current.isEmpty ? bundles : current)
        let isKnown = provided.bundles.elementsEqual(served) { $0.hasCertificates(of: $1) }
        guard isStart || isKnown else { return nil }
        provided.warnings = [
            "certificate \(settings.name): \(problem); UNTIL THEN IT IS SERVED AS IT IS, since there is no other"
        ]
        provided.isMakeshift = true
        // The clock may be set meanwhile.
        provided.renewal = now + InternalCA.retryTime
        return provided
    }

    /// A certificate of an ACME server whose pointer is gone, with its generations beside its place: a stand-in would be
    /// refused by browsers. A start that was killed before its first one came into force leaves the same.
    internal func stray(_ settings: CertificateSettings) -> Provided? {
        guard let (number, bundle) = store.earlierGeneration(of: settings.name, now: now),
            settings.names.contains(where: bundle.covers)
        else { return nil }
        var provided = Provided(bundles: [bundle], isMakeshift: true)
        provided.isEmergency = true
        provided.renewal = now + InternalCA.retryTime
        provided.warnings = [
            "certificate \(settings.name): \(store.pointer(of: settings.name)) IS GONE, WHICH SAID WHICH GENERATION IS IN USE; "
                + "generation \(number) is served, the last that is there: write its number into that file, or run "
                + "`gatehouse certs issue \(settings.name)` for another one"
        ]
        return provided
    }

    /// Fails where a certificate of an ACME server that is served, and good, has vanished from the store: what would stand in is
    /// refused by browsers.
    ///
    /// - Parameters:
    ///   - served: what is served, of the same issuer.
    ///   - found: what `find` gave.
    package func requireNoLoss(
        _ settings: CertificateSettings,
        found: Result<Provided?, CertificateProblem>,
        served: Provided
    ) throws(CertificateProblem) {
        guard case .success(nil) = found, case .acme = settings.issuer, !served.isStandIn,
            let bundle = served.bundles.first, bundle.leaf.validity.contains(now),
            disavowal(of: bundle.chain, settings) == nil, settings.names.contains(where: bundle.covers),
            stray(settings) == nil
        else { return }
        throw .vanished(name: settings.name, folder: store.folder)
    }

    private func makeshift(_ settings: CertificateSettings, _ problem: CertificateProblem) -> Provided? {
        let name = settings.name
        var provided: Provided
        let instead: String
        if let (number, bundle) = store.earlierGeneration(of: name, now: now),
            settings.names.contains(where: bundle.covers)
        {
            provided = Provided(bundles: [bundle])
            // A pointer that is emptied does not say which one that would be.
            let which = (try? store.contains(name)) == true ? "the one before" : "the last that is there"
            let end = UTC.text(bundle.leaf.validity.upperBound)
            instead = "GENERATION \(number) IS SERVED, \(which), good until \(end)"
        } else if let standIn = try? standIn(settings) {
            provided = standIn
            instead = "A CERTIFICATE OF THE INTERNAL CA STANDS IN, which is kept nowhere"
        } else {
            return nil
        }
        provided.warnings = [
            "certificate \(name): \(problem); until that is mended, or `gatehouse certs rotate \(name)` has made another, "
                + instead
        ]
        provided.isMakeshift = true
        provided.isEmergency = true
        provided.renewal = now + InternalCA.retryTime
        return provided
    }
}

extension CertificateProblem {
    /// A handshake could bring it, and clients would refuse it, some of them or those whose clock shows what ours does.
    fileprivate var isDoubt: Bool {
        switch self {
        case .contents(_, .unfit), .contents(_, .intransparent), .contents(_, .expired), .contents(_, .notYetValid):
            true
        default: false
        }
    }

    /// What is in the store cannot be used as it is, or in place of what is served; nothing is wrong with what the site file
    /// says.
    package var isDamage: Bool {
        switch self {
        case .file, .contents, .busyStore, .deniedStore, .vacantStore, .olderStore, .vanished, .lostGeneration,
            .changedChain, .damagedAuthority, .damagedList, .lostAuthority, .foreignRoot, .lostNames:
            true
        default: false
        }
    }
}
