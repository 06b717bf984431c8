package import Certificates
package import Gateway
package import Linux
package import OpenSSL
package import Site

/// A site file taken from disk and made ready to be put into force: plan, certificates, addresses.
///
/// Made whole or not at all, so that a running configuration is never replaced by half of one.
package struct SiteConfiguration: Sendable {
    package let site: SiteModel
    package let gateway: GatewaySettings
    package var plan: Plan
    package var keyring: Keyring
    /// What of it certificates show of others, for names that they lack.
    package var borrowed: [String: [CertificateBundle]]
    /// What was done to make it, for the log.
    package var notes: [String]
    /// What the operator should know, though the configuration holds.
    package var warnings: [String]
    /// When the internal CA should issue the next certificate, or the next list of those that it has revoked: seconds since
    /// 1970. nil when none is its own.
    package let renewal: Int64?
    /// The files whose change counts as that of a certificate's own.
    internal let otherFiles: [String]
    /// How the internal CA stands; nil when there is none.
    package let authority: InternalCAStanding?
    /// What is wrong with the store as a whole, or in the way of the next certificates; among the warnings, too.
    internal let storeFindings: CertificateProvider.StoreFindings
    /// What is known of the store's certificates that no listener shows.
    internal let unnamed: CertificateProvider.UnnamedNames
    /// When the lists end by which clients' certificates are checked, by the listener's port: seconds since 1970.
    package let clientListsEnds: [UInt16: Int64]
    internal var certificates: [String: Held]

    package var storeWarnings: [String] { storeFindings.warnings }

    /// Certificates that stand in for those that their CAs have not given yet.
    package var standIns: Set<String> { names { $0.isStandIn } }
    /// Those that are standbys.
    package var emergencies: Set<String> { names { $0.isEmergency } }
    /// Those that cannot be used, and others shown in their place.
    package var makeshifts: Set<String> { names { $0.isMakeshift } }
    /// Those that are not as the site file has them, since others could not be made.
    package var owed: Set<String> { names { $0.isOwed } }

    private func names(_ isWanted: (CertificateProvider.Provided) -> Bool) -> Set<String> {
        Set(certificates.filter { isWanted($0.value.provided) }.keys)
    }

    /// Reads and checks everything that `path` names.
    ///
    /// - Parameters:
    ///   - generation: the number of the plan; higher than that of the one in force.
    ///   - slots: places in the shared state; gains those of new servers.
    ///   - earlier: the configuration before, whose certificates are kept where their files have not changed.
    ///   - progress: told while many certificates are made.
    package static func load(
        path: String,
        generation: UInt64,
        slots: inout PlanCompiler.Slots,
        after earlier: SiteConfiguration? = nil,
        progress: Progress = { _, _ in }
    ) throws(ConfigurationError) -> SiteConfiguration {
        try load(
            SiteFile.load(path: path),
            path: path,
            generation: generation,
            slots: &slots,
            after: earlier,
            progress: progress
        )
    }

    /// The same of a file that was read.
    ///
    /// - Parameters:
    ///   - outcome: what it says.
    ///   - path: where it is.
    package static func load(
        _ outcome: SiteFile.Outcome,
        path: String,
        generation: UInt64,
        slots: inout PlanCompiler.Slots,
        after earlier: SiteConfiguration? = nil,
        progress: Progress = { _, _ in }
    ) throws(ConfigurationError) -> SiteConfiguration {
        guard let site = outcome.model else { throw .site(outcome) }
        guard let gateway = site.gateway else { throw .noGateway(path) }
        let findings = ReferenceCheck.findings(site, file: path, whereDenied: .error)
        guard !findings.contains(where: { $0.severity == .error }) else { throw .site(outcome.adding(findings)) }
        try earlier?.requireSuccessor(of: site)
        return try make(
            site,
            gateway,
            generation: generation,
            slots: &slots,
            after: Earlier(
                certificates: earlier?.certificates ?? [:],
                lists: earlier?.plan.revocationLists ?? [:],
                unnamed: earlier?.unnamed ?? .init()
            ),
            isStart: earlier == nil,
            isWhole: true,
            progress: progress
        )
    }

    /// Fails where the site file names another certificate store, in which there is nothing yet: what is served of this one's would
    /// be replaced by certificates of a CA that was made this moment. Who wants that starts the gateway anew.
    private func requireSuccessor(of fresh: SiteModel) throws(ConfigurationError) {
        guard fresh.certificateStore != site.certificateStore,
            CertificateStore(folder: fresh.certificateStore).isVacant,
            certificates.values.contains(where: { held in
                held.settings.issuer.isStored && !held.provided.isStandIn && !held.provided.bundles.isEmpty
                    && fresh.certificates[held.settings.name]?.issuer.isStored == true
            })
        else { return }
        throw .otherStore(fresh.certificateStore, before: site.certificateStore)
    }

    /// The same site again, with the certificates that are there now. Of one that cannot be used, what is served now
    /// stays: it keeps no other from being renewed.
    ///
    /// - Parameter names: the certificates that may be others now, besides those that are of no use: what the others cost is
    ///   to be passed on. Nil for all.
    package func renewed(
        generation: UInt64,
        slots: inout PlanCompiler.Slots,
        of names: Set<String>? = nil,
        progress: Progress = { _, _ in }
    ) throws(ConfigurationError) -> SiteConfiguration {
        try Self.make(
            site,
            gateway,
            generation: generation,
            slots: &slots,
            after: Earlier(
                certificates: certificates,
                lists: plan.revocationLists,
                store: storeFindings,
                unnamed: unnamed,
                changed: names
            ),
            isStart: false,
            isWhole: false,
            progress: progress
        )
    }

    /// The certificates due for another look at `now`, though no file of theirs has changed.
    package func due(at now: Int64) -> Set<String> { names { now >= $0.renewal ?? .max } }

    /// The certificates that come from any of these files.
    package func certificates(from files: Set<String>) -> Set<String> {
        Set(certificates.filter { $0.value.sources.contains { files.contains($0.path) } }.keys)
    }

    private static func make(
        _ site: SiteModel,
        _ gateway: GatewaySettings,
        generation: UInt64,
        slots: inout PlanCompiler.Slots,
        after earlier: Earlier,
        isStart: Bool,
        isWhole: Bool,
        progress: Progress
    ) throws(ConfigurationError) -> SiteConfiguration {
        var plan = try PlanCompiler(site: site, gateway: gateway).plan(
            generation: generation,
            slots: &slots,
            readFile: { (path: String) throws(ConfigurationError) in
                do throws(FileError) {
                    return try FileReading.read(path, limit: ReferenceCheck.trustLimit)
                } catch {
                    throw .clientAuthority(error)
                }
            }
        )
        let folder = CertificateStore(folder: site.certificateStore)
        let challenges = folder.challenges()
        plan.challenges = challenges.http
        plan.handshakeChallenges = challenges.handshake
        let now = WallClock.seconds
        // One for all that is looked at here: what it has found out of the internal CA once, it knows.
        let provider = CertificateProvider(for: site, now: now, isStart: isStart, after: .ofGateway)
        let clockWarning = isStart ? provider.beginClock() : nil
        let listsEnds = try clientListsEnds(of: plan)
        // Another intermediate of a root that is there is no other CA.
        let hasAuthority = (try? InternalCA.signer(in: folder)) != nil || (try? InternalCA.root(in: folder)) != nil
        var unnamed = earlier.unnamed
        let certificates = try certificates(
            by: provider,
            of: site,
            for: plan,
            now: now,
            after: earlier,
            knowing: &unnamed,
            isStart: isStart,
            isWhole: isWhole,
            progress: progress
        )
        // After the certificates, since the first of them makes the CA.
        let authority = authority(of: site, by: provider, after: earlier.lists, now: now)
        let authorityNews = hasAuthority ? nil : authority.standing.map { _ in newAuthority(in: folder) }
        plan.revocationLists = authority.lists.published
        let store = provider.inspectStore(of: earlier.changed, after: earlier.store)
        let told = certificates.filter { !$0.value.provided.notes.isEmpty || !$0.value.provided.warnings.isEmpty }
            .sorted { $0.key < $1.key }.map(\.value.provided)
        return SiteConfiguration(
            site: site,
            gateway: gateway,
            plan: plan,
            keyring: Keyring(certificates.compactMapValues { $0.isShown ? $0.provided.bundles : nil }),
            borrowed: certificates.mapValues(\.provided.borrowed).filter { !$0.value.isEmpty },
            notes: told.flatMap(\.notes),
            warnings: [clockWarning, authorityNews].compactMap(\.self) + told.flatMap(\.warnings) + authority.warnings
                + store.warnings
                + warnings(ofEnds: listsEnds, now: now),
            renewal: (certificates.values.compactMap(\.provided.renewal) + [authority.next].compactMap(\.self)).min(),
            otherFiles: [folder.challengeFolder] + authority.lists.files,
            authority: authority.standing,
            storeFindings: store,
            unnamed: unnamed,
            clientListsEnds: listsEnds,
            certificates: certificates
        )
    }
}

/// Why a configuration was not made. Its text says what to do.
package enum ConfigurationError: Error, CustomStringConvertible {
    /// The site file is wrong: every fault of it.
    case site(SiteFile.Outcome)
    case noGateway(String)
    /// The certificates that clients' ones are checked against.
    case clientAuthority(FileError)
    /// They, or what they revoked, are not as they were when they were checked.
    case clientTrust(OpenSSLError)
    case certificate(String, CertificateProblem)
    /// A certificate that is well made, and that no client would get.
    case unservable(String, RehearsalError)
    /// A certificate that was put into force, and that clients did not get.
    case rolledBack(String, why: String)
    /// The certificate store is another, in which there is nothing, than the one of what is served.
    case otherStore(String, before: String)

    package var description: String {
        switch self {
        case .site(let outcome): outcome.text
        case .noGateway(let path):
            "\(path): the site has no section `gateway`; add one, or run this command for a site that has"
        case .clientAuthority(let error): "gateway.listen: tls: client-certificates: \(error)"
        case .clientTrust(let error): "gateway.listen: tls: client-certificates: \(error)"
        case .certificate(let name, let reason): reason.text(of: name)
        case .unservable(let name, let reason):
            "certificate \(name): \(reason); what was served before is served on, and another is needed: other files, "
                + "or `gatehouse certs rotate \(name)`"
        case .rolledBack(let name, let why):
            "certificate \(name): \(why); the one before is served again"
        case .otherStore(let folder, let before):
            "certificate-store: there is nothing in \(folder), and what is served is of \(before): another internal CA would be made, "
                + "which no client trusts; correct the site file, or, when it is to be a new store, stop the gateway and start it"
        }
    }
    /// What a command ends with that fails for it: as `gatehouse check` ends with what it finds (docs/operating.md).
    package var exitStatus: Int32 {
        switch self {
        case .site, .noGateway, .clientAuthority, .clientTrust: 2
        case .certificate(_, let reason): reason.exitStatus
        case .unservable, .rolledBack, .otherStore: 1
        }
    }
}
