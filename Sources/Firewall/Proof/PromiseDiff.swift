package import Site

/// Promises of a site file that another version of it does not make: claims and tests, which let no packet through, so that
/// no difference in packets shows that they are gone.
package enum PromiseDiff {
    /// A sentence for each, in the order of the old file. A line that reads as before promises what it did, whatever its
    /// names stand for by now.
    ///
    /// - Parameters:
    ///   - old: the site as it was, and what its file is called.
    ///   - new: the site as it is to be.
    package static func notes(
        from old: (site: SiteModel, file: String),
        to new: (site: SiteModel, file: String)
    ) -> [String] {
        let after = promises(new.site)
        var notes: [String] = []
        for (line, claim) in promises(old.site) {
            if after.contains(where: { $0.claim.kind == claim.kind && $0.line == line }) { continue }
            if after.contains(where: { $0.claim.says(as: claim) }) { continue }
            let other = after.first { $0.claim.kind == claim.kind && $0.claim.id == claim.id }
            let fate =
                other.map { "says something else now (\(new.file):\($0.line.position.line))" } ?? "is not made any more"
            notes.append("the claim `\(claim.id)` (\(old.file):\(line.position.line)) \(fate)")
        }
        for test in old.site.firewall.tests where !new.site.firewall.tests.contains(test) {
            notes.append("the test at \(old.file):\(test.position.line) is not made any more")
        }
        return notes
    }

    private static func promises(_ site: SiteModel) -> [(line: FirewallRule, claim: Claim)] {
        let claims = Intent(of: site).claims.filter { $0.kind != .allow }
        return Array(zip(site.firewall.never + site.firewall.exactly, claims))
    }
}

extension Claim {
    /// Whether it promises what the other does, a `never` perhaps more.
    fileprivate func says(as other: Claim) -> Bool {
        guard kind == other.kind, wholeSources == other.wholeSources, wholeDestinations == other.wholeDestinations
        else { return false }
        if kind == .never {
            return other.sources.isSubset(of: sources) && other.destinations.isSubset(of: destinations)
                && other.traffic.isSubset(of: traffic)
        }
        return sources == other.sources && destinations == other.destinations && traffic == other.traffic
            && scope == other.scope && strangers == other.strangers
    }
}
