enum HostRules {
    /// An address names one host, or no rule about that host would mean anything; but for one that each of its hosts says
    /// that it shares.
    static func addressesAreUnique(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var bearers: [IPAddress: SiteHost] = [:]
        for host in site.hosts.inFileOrder(\.position) {
            for address in host.allAddresses.map(\.address) {
                guard let other = bearers.updateValue(host, forKey: address) else { continue }
                if other.name != host.name, other.shares(address), host.shares(address) { continue }
                let subject = other.name == host.name ? "the host itself" : "the host \(quoted(other.name))"
                collector.report(
                    .duplicate,
                    at: SourceRange(host.position),
                    "the address \(address) of \(quoted(host.name)) is that of \(subject) too",
                    help: "it stands in line \(other.position.line) already; hosts that take turns with it name it in "
                        + "`shared` of their interfaces"
                )
            }
        }
    }

    /// Every machine bears addresses of loopback, and no packet from elsewhere has one: to a policy they name nobody.
    static func addressesAreNotOfLoopback(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard site.firewall.isUsed else { return }
        for host in site.hosts.inFileOrder(\.position) {
            for (entry, position) in host.placedAddresses where entry.address.isLoopback {
                collector.report(
                    .conflict,
                    at: SourceRange(position),
                    "the address \(entry.address) of \(quoted(host.name)) is of loopback, which every machine has",
                    help: "leave it out, and write an address that others reach the host by; what it says to itself is "
                        + "let through without a line"
                )
            }
        }
    }

    /// Every link may have a host with the same address of the link (RFC 4291, section 2.5.6; RFC 3927).
    static func addressesAreOfOneHost(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard site.firewall.isUsed else { return }
        for host in site.hosts.inFileOrder(\.position) {
            for address in host.allAddresses where address.address.isOfLink {
                collector.report(
                    .conflict,
                    .warning,
                    at: SourceRange(host.position),
                    "the address \(address) of \(quoted(host.name)) is of one link alone, and others may have it on theirs",
                    help: "leave it out, unless rules about the host are to hold for it by whichever interface"
                )
            }
        }
    }
}

extension SiteHost {
    fileprivate func shares(_ address: IPAddress) -> Bool {
        interfaces.contains { interface in interface.shared.contains { $0.address == address } }
    }
}
