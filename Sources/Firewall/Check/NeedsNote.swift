package import Site

/// Hosts that may ask nobody for what a machine lives on, in a site without `needs`. Perhaps it is meant so; who comes from
/// a firewall that lets everything out does not expect it.
package enum NeedsNote {
    /// The note; nil where the site has `needs`, uses no firewall, or each host may ask for something of it.
    ///
    /// - Parameters:
    ///   - host: the only one that is asked about; nil for all.
    ///   - file: the site file, as it is to be named.
    package static func note(_ site: SiteModel, _ intent: Intent, host: String? = nil, file: String) -> Diagnostic? {
        let needs = site.firewall.needs
        guard site.firewall.isUsed, needs.dns.isEmpty, needs.ntp.isEmpty, needs.mirrors.isEmpty else { return nil }
        let asked = intent.hosts.filter { host == nil || $0.host == host }
        let silent = asked.filter { !$0.asksOthers(than: intent.siteAddresses) }.map { "`\($0.host)`" }
        if silent.isEmpty { return nil }
        let verbs = silent.count == 1 ? ("resolves", "sets", "fetches") : ("resolve", "set", "fetch")
        return Diagnostic(
            .note,
            .needs,
            file: file,
            message: "\(silent.cut(6)) \(verbs.0) no names, \(verbs.1) no clock and \(verbs.2) no packages: no line "
                + "lets that out",
            help: "write whom hosts may ask: `needs: { dns: …, ntp: …, mirrors: … }` in `firewall`"
        )
    }
}

extension HostIntent {
    /// Whether a line lets out a question to name servers or time servers, or to package mirrors that are no hosts of the site.
    fileprivate func asksOthers(than site: AddressSet) -> Bool {
        func traffic(_ ports: (ProtocolNumber, UInt16)...) -> TrafficSet {
            ports.reduce(.none) { $0.union(TrafficSet($1.0, port: $1.1)) }
        }
        let (servers, mirrors) = (traffic((.udp, 53), (.tcp, 53), (.udp, 123)), traffic((.tcp, 80), (.tcp, 443)))
        return output.contains { rule in
            let isOfLine = if case .baseline = rule.origin { false } else { true }
            guard isOfLine, rule.verdict == .accept else { return false }
            return rule.matches.contains { match in
                match.states.contains(.new)
                    && (match.traffic.intersects(servers)
                        || match.traffic.intersects(mirrors) && !match.destinations.isSubset(of: site))
            }
        }
    }
}
