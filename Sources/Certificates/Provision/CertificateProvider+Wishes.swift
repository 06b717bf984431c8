import Linux
import OpenSSL
package import Site

/// Gateways that share a store, and commands, may have read different site files: as long as that is so, each would replace
/// what another one has had made, and use up what a CA gives.
extension CertificateProvider {
    /// What is there is as the site file says, or was made for it.
    internal func meet(_ settings: CertificateSettings, with leaf: Certificate) {
        wishes?.meet(settings.wish, with: leaf.fingerprint, of: store.pointer(of: settings.name))
    }

    /// Until when a certificate that is not as the site file says is not replaced for that, and why, in words for the log: nil
    /// where it is.
    internal func pauseForOthers(
        _ bundle: CertificateBundle,
        _ settings: CertificateSettings
    ) -> (end: Int64, why: String)? {
        let plan = plan(for: settings)
        let due = bundle.leaf.renewalSchedule.due
        // A try that failed, and an operator's way back, have pauses of their own; and nobody waits for what ends.
        guard let wishes, plan.next == 0, plan.failures == 0, due > now,
            !wasStandby(bundle.leaf, settings)
        else { return nil }
        let end = wishes.pause(
            for: settings.wish,
            besides: bundle.leaf.fingerprint,
            of: store.pointer(of: settings.name),
            isEnough: settings.names.allSatisfy(bundle.covers),
            longest: min(due - now, max(0, bundle.end - now) / 2),
            at: now
        )
        guard let end else { return nil }
        let there = bundle.identifiers.joined(separator: ", ").printableLine
        let why =
            "ANOTHER GATEWAY OR COMMAND HAS ANOTHER SITE FILE: it put one there for \(there), of \(bundle.leaf.issuer), and "
            + "this one asks for \(settings.wish); not to replace each other's without end, this one waits until "
            + "\(UTC.text(end)): have all of them read the same file (`gatehouse reload`), and what is missing then, "
            + "`gatehouse certs rotate \(settings.name)` makes at once"
        wishes.note(why, of: store.pointer(of: settings.name), as: settings.name)
        return (end, why)
    }
}

extension [String: CertificateSettings] {
    /// What a site file with these certificates asks of one, or of a standby, in a line; nil where it names none such.
    package func wish(of name: String) -> String? {
        let standbys = values.lazy.compactMap(\.standbyCertificate)
        return (self[name] ?? standbys.first { $0.name == name })?.wish
    }
}

extension CertificateSettings {
    /// What the site file asks of it, and of whom, in a line.
    package var wish: String {
        let own = "\(issuer.word) \(key.kind) \(names.map { "\($0)" }.sorted().joined(separator: " "))"
        guard case .acme(let acme) = issuer else { return own }
        let servers = acme.candidates.map { server in
            let chain = server.chain.map { ", chain \($0)" } ?? ""
            return server.directory + chain + (server.profile.map { ", profile \($0)" } ?? "")
        }
        return "\(own) of \(servers.joined(separator: " or "))"
    }
}
