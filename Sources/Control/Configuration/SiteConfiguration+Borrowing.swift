import Certificates
package import OpenSSL
package import Site

/// A certificate that an ACME server has not given yet takes the place of nothing good: neither of what was served for its
/// names before, from files or under another name, nor of another certificate of the site. Nor do files that lack names.
extension SiteConfiguration {
    /// Has those that lack names show what is good for them.
    ///
    /// - Parameters:
    ///   - earlier: what was served.
    ///   - unnamed: what is known of the store's certificates that no listener shows.
    internal static func fill(
        _ certificates: inout [String: Held],
        by provider: CertificateProvider,
        after earlier: [String: Held],
        knowing unnamed: inout CertificateProvider.UnnamedNames
    ) {
        let lacking = certificates.filter { _, held in
            held.lacksNames && held.isShown && held.provided.borrowed.isEmpty
        }
        guard !lacking.isEmpty else { return }
        let present = certificates.filter { $0.value.isShown && !$0.value.provided.isStandIn }
            .sorted { $0.key < $1.key }.map(\.value.provided.own)
        let names = lacking.values.flatMap(\.settings.names)
        let places = present + provider.unshownBundles(for: names, knowing: &unnamed)
        let lasting = provider.lenders(in: places, for: names, knowing: &unnamed)
        let remnants = remnants(of: earlier, besides: certificates)
        var all = lasting
        all.places += remnants
        let good = provider.good(for: names, in: all)
        // What no start finds again is not shown for what files lack: nobody is to give another.
        let lastingGood = remnants.isEmpty ? good : provider.good(for: names, in: lasting)
        for (name, held) in lacking {
            var filled = held
            filled.provided = provider.borrowing(
                held.settings,
                held.provided,
                from: held.settings.issuer.isStored ? good : lastingGood,
                after: earlier[name]?.provided
            )
            filled.provided.remnants = filled.provided.borrowed.filter { bundle in
                remnants.contains { $0.holds(bundle) }
            }
            filled.keep(earlier[name])
            certificates[name] = filled
        }
    }

    /// Which of `bundles` are a certificate's own, and not what it shows of others.
    package func own(_ bundles: [CertificateBundle], of name: String) -> [CertificateBundle] {
        guard let borrowed = borrowed[name] else { return bundles }
        return bundles.filter { !borrowed.holds($0) }
    }

    /// The certificates for which a program that starts with `site` would show nothing that clients take, where this configuration
    /// does.
    ///
    /// - Parameter now: seconds since 1970.
    package func lost(atStartOf site: SiteModel, at now: Int64) -> [String] {
        let served = certificates.values.filter(\.isShown).flatMap { held in
            held.provided.isStandIn ? held.provided.borrowed : held.provided.bundles
        }
        let shown = Set(site.gateway?.listeners.flatMap { $0.tls?.certificates ?? [] } ?? [])
        return CertificateProvider(for: site, now: now).lost(without: served, among: shown)
    }

    /// What came from files that the site file names no more: nothing else has it.
    private static func remnants(
        of earlier: [String: Held],
        besides certificates: [String: Held]
    ) -> [[CertificateBundle]] {
        let places: [[CertificateBundle]] = earlier.sorted { $0.key < $1.key }.map { name, held in
            if held.settings.issuer.isStored { return held.provided.remnants }
            let isNamed = certificates[name].map { !$0.settings.issuer.isStored } ?? false
            return isNamed ? [] : held.provided.own
        }
        return places.filter { !$0.isEmpty }
    }
}

extension CertificateProvider.Provided {
    /// Without those of others.
    internal var own: [CertificateBundle] { bundles.filter { !borrowed.holds($0) } }
}
