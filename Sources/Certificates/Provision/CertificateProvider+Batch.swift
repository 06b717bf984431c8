import Linux
import OpenSSL
package import Site

/// Many certificates of the internal CA at a time, as at the first start of a large site: one after another, each brought to
/// the disk by itself, they would take minutes.
extension CertificateProvider {
    /// How many come into the store together: others who change it wait for them.
    private static let together = 100

    /// Makes those that have to be made anew, where that needs no more than a signature.
    ///
    /// - Parameters:
    ///   - wanted: for which `find` gave nothing.
    ///   - tell: how many were made, of how many, after each of the steps that others can come between.
    /// - Returns: what was made, by name. What is missing, `provide` makes, or says what is in its way.
    package func provideTogether(
        _ wanted: [CertificateSettings],
        tell: (_ done: Int, _ all: Int) -> Void
    ) -> [String: Provided] {
        let own = wanted.filter { $0.issuer == .internal }
        guard own.count > 1 else { return [:] }
        var made: [String: Provided] = [:]
        var done = 0
        for begin in stride(from: 0, to: own.count, by: Self.together) {
            let part = Array(own[begin..<min(begin + Self.together, own.count)])
            // RSA keys take a second each, which nobody should wait for.
            let keys = Parallel.map(part) { [self] settings in try? nextKey(of: settings) }
            let keyed = zip(part, keys).compactMap { settings, key in key.map { (settings, $0) } }
            do throws(CertificateProblem) {
                let news = try ordered(isOneOfMany: true) { () throws(CertificateProblem) in
                    try makeTogether(keyed)
                }
                made.merge(news) { _, new in new }
            } catch {
                if error.isOfWholeStore { break }
                continue
            }
            done += part.count
            tell(done, own.count)
        }
        return made
    }

    /// Those of `wanted` that the internal CA can make anew just so, made and stored together. The store is locked.
    ///
    /// - Parameter wanted: each with the key that it is to have.
    private func makeTogether(
        _ wanted: [(settings: CertificateSettings, key: PrivateKey)]
    ) throws(CertificateProblem) -> [String: Provided] {
        var made: [(settings: CertificateSettings, bundle: CertificateBundle, why: String)] = []
        let spans = wanted.map { span(of: $0.settings) }
        let ca = try authority(for: wanted.map(\.settings))
        for ((settings, key), span) in zip(wanted, spans) {
            let why: String
            let standing = try standing(of: settings)
            switch standing {
            case .good: continue
            case .due(let reason, let usable), .wanting(let reason, let usable), .revoked(let reason, let usable):
                if let usable, pause(of: usable, settings, standing) != nil { continue }
                why = reason
            }
            let bundle = try ca.issue(
                names: names(settings),
                for: key,
                lifetime: span.lifetime,
                since: span.since,
                now: now
            )
            made.append((settings, bundle, why))
        }
        try store.save(
            made.map { CertificateStore.Arrival(name: $0.settings.name, bundle: $0.bundle, reason: $0.why) },
            now: moment
        )
        var provided: [String: Provided] = [:]
        for entry in made {
            forgetFailures(of: entry.settings)
            provided[entry.settings.name] = try news(entry.bundle, entry.settings, entry.why)
        }
        return provided
    }

    /// Ends the pause that clients' refusal of the last one brought, or an operator, once another is made.
    internal func forgetFailures(of settings: CertificateSettings) {
        guard plan(of: settings.name).next > 0 else { return }
        changePlan(of: settings.name) { $0.startOver() }
    }
}

extension CertificateProblem {
    /// Other certificates would fail for the same, and wait for it as long: others hold the store's lock, or this user may
    /// not use the store, or it is away, or the internal CA is.
    fileprivate var isOfWholeStore: Bool {
        switch self {
        case .busyStore, .deniedStore, .vacantStore, .olderStore, .lostAuthority, .foreignRoot: true
        default: false
        }
    }
}
