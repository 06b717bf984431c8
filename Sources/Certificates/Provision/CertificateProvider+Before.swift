import Linux
import OpenSSL
import Site

/// Generations before those in use of the site's certificates. Where a name goes from one certificate to another, and the first one
/// is made anew before the other one has the name, its generation before is what clients of the name were shown until then.
extension CertificateProvider {
    /// Those that may be shown for some of `names`: none of a CA that was given up, nor one that its standby has replaced.
    ///
    /// - Parameters:
    ///   - places: what else may be shown: of a CA in use there is something among it, or in use under the same name.
    ///   - known: what was found before; what is there now, afterwards.
    internal func bundlesBefore(
        for names: [HostPattern],
        besides places: [[CertificateBundle]],
        knowing known: inout UnnamedNames
    ) -> [[CertificateBundle]] {
        let certificates = site.certificates.values.filter(\.issuer.isStored).sorted { $0.name < $1.name }
        let entries = Parallel.map(certificates) { [self, before = known.before] settings in
            entryBefore(settings.name, after: before[settings.name])
        }
        known.before = [:]
        for (settings, entry) in zip(certificates, entries) { known.before[settings.name] = entry }
        let wanted = Wanted(names)
        let candidates = zip(certificates, entries).filter { wanted.isAmong($1?.identifiers ?? []) }
        guard !candidates.isEmpty else { return [] }
        let roots = Set(places.joined().map(\.chain.rootName))
        return candidates.compactMap { settings, entry in
            guard let number = entry?.generation, !store.isRevoked(settings.name, generation: number),
                !isStandbyInUse(settings), let bundle = try? store.loadAsTold(settings.name, generation: number),
                roots.contains(bundle.chain.rootName) || bundle.chain.rootName == rootName(of: settings),
                isOfCAInUse(bundle)
            else { return nil }
            return [bundle]
        }
    }

    /// - Returns: one for no names where there is no such generation; nil where it cannot be read.
    private func entryBefore(_ name: String, after earlier: UnnamedNames.Entry?) -> UnnamedNames.Entry? {
        let stamps = [FileStamp(store.pointer(of: name))]
        if let earlier, earlier.stamps == stamps { return earlier }
        let none = UnnamedNames.Entry(generation: 0, stamps: stamps, identifiers: [])
        if stamps == [nil] { return none }
        do throws(CertificateProblem) {
            guard let number = try store.generationBefore(of: name) else { return none }
            let leaf = try store.loadChain(name, generation: number).first
            return UnnamedNames.Entry(generation: number, stamps: stamps, identifiers: leaf?.identifiers ?? [])
        } catch {
            return nil
        }
    }

    /// The one of the generation in use, which no listener may show; nil where it cannot be read.
    private func rootName(of settings: CertificateSettings) -> String? {
        (try? store.loadChain(settings.name))?.rootName
    }

    /// Its CA may have taken back what the standby came in for.
    private func isStandbyInUse(_ settings: CertificateSettings) -> Bool {
        guard settings.standby != nil, let leaf = try? store.loadChain(settings.name).first else { return false }
        return wasStandby(leaf, settings)
    }

    /// Whether it is none of the internal CA, or of the one that the store has now.
    internal func isOfCAInUse(_ bundle: CertificateBundle) -> Bool {
        guard isSignedHere(bundle) else { return true }
        guard let standing = try? memo.standing(in: store) else { return false }
        return standing.flaw(of: bundle.chain) == nil
    }
}

extension [Certificate] {
    /// Of whom clients know by whom it was issued: a CA's intermediates change, and come along.
    fileprivate var rootName: String { withoutRoot.last?.issuer ?? "" }
}
