package import Site

/// The words by which a person asks about one packet, looked up in the site: ends and services are named as in the tests
/// of the site file.
package struct PacketWords: Sendable {
    /// A host of the site, or an address.
    package var from: String
    package var to: String
    /// `tcp` and the like, or a number; nil for that of the service, else TCP.
    package var transport: String?
    /// A number, or a service as a line of the site file names it: by name or as in `tcp/3306` and `esp`, or `icmp`.
    package var port: String?
    package var interface: String?

    package init(from: String, to: String, transport: String? = nil, port: String? = nil, interface: String? = nil) {
        (self.from, self.to, self.transport, self.port) = (from, to, transport, port)
        self.interface = interface
    }

    /// What is wrong with a word, and what to write.
    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    /// The packet that is meant, followed: on several ways where nobody knows which of them it takes, all to the same end.
    ///
    /// - Parameters:
    ///   - intent: that of the host that is asked, one of `all`.
    ///   - now: rules that ended before let nothing through, in seconds since 1970.
    /// - Returns: one at least.
    /// - Throws: also where it is let through on one way and not on another.
    package func journeys(
        at intent: HostIntent,
        of all: Intent,
        _ site: SiteModel,
        now: Int64 = .min
    ) throws(Problem) -> [Journey] {
        let host = site.hosts[intent.host] ?? SiteHost(name: intent.host)
        let ways = try packets(at: host, of: site)
        let journeys = ways.flatMap { Journey.every($0, at: intent, of: all, site, now: now) }
        guard let passed = journeys.first(where: \.isLetThrough)?.decision.packet,
            let lost = journeys.first(where: { !$0.isLetThrough })?.decision.packet
        else { return journeys }
        throw Problem(
            description: "which interface of `\(intent.host)` leads to what is in none of its networks the site file "
                + "does not say, and it is let through as \(passed.text), but not as \(lost.text); put that one in the "
                + "zone `outside`, or add the router of that zone that it leads to"
                + (passed.path == .forward ? "" : ", or write --interface")
        )
    }

    /// The packet that is meant, as `Explanation.packets` makes it. Of hosts with several addresses two of one network go
    /// before others, and those that come first. The host itself stands for whichever address it has: by an interface that
    /// gets its own by DHCP it is one that the site file knows nothing of.
    ///
    /// - Returns: one at least.
    package func packets(at host: SiteHost, of site: SiteModel) throws(Problem) -> [Packet] {
        try checkInterface(at: host)
        let (sources, destinations) = (try ends("--from", from, host, site), try ends("--to", to, host, site))
        /// Whether it can have that address when it speaks with the peer.
        func fits(_ end: End, _ peer: End) -> Bool {
            guard end.isLease else { return true }
            guard let name = interface ?? host.interface(toward: peer.address)?.name else { return false }
            return host.dynamicInterfaces.contains(name)
        }
        let pairs = sources.flatMap { source in
            destinations.filter {
                $0.address.width == source.address.width && fits(source, $0) && fits($0, source)
            }.map { (source, $0) }
        }
        let near = pairs.first { $0.network?.contains($1.address) ?? $1.network?.contains($0.address) ?? false }
        let leased = pairs.first { $0.isLease || $1.isLease }
        guard let (source, destination) = near ?? leased ?? pairs.first else {
            throw Problem(
                description: "--from \(from) --to \(to): these have no addresses of one family, IPv4 or IPv6; "
                    + "name ends that have"
            )
        }
        let (number, detail) = try traffic(isV4: source.address.width == 32, site)
        let lease = [source, destination].first(where: \.isLease)?.address
        let packets = Explanation.packets(
            from: source.address,
            to: destination.address,
            number,
            detail: detail,
            at: host,
            by: interface,
            lease: lease,
            hosts: AddressSet(site.hosts.values.flatMap(\.allAddresses).map(\.address))
        )
        let isForeign = packets.contains { $0.path == .forward || $0.oddities.contains(.toOwnAddress) }
        guard !isForeign || lease != nil || host.isRouter else {
            throw Problem(
                description: "--from \(from) --to \(to): neither is known as an address of `\(host.name)`, which is no "
                    + "router and passes nothing on; write `--from \(host.name)` for what it sends, or "
                    + "`--to \(host.name)` for what it is sent"
            )
        }
        return packets
    }

    /// What stands for an address that the host has by DHCP, in words; nil where the packet has none.
    ///
    /// - Parameter packet: the one that is meant.
    package func lease(_ packet: Packet, at host: SiteHost) -> String? {
        let own = Set(host.allAddresses.map(\.address))
        let ends = (from == host.name ? [packet.source] : []) + (to == host.name ? [packet.destination] : [])
        guard let lease = ends.first(where: { !own.contains($0) }) else { return nil }
        let interfaces = host.dynamicInterfaces.sorted().joined(separator: " or ")
        return "\(lease) stands for an address that \(host.name) has by DHCP on \(interfaces)"
    }

    /// What an end of the packet may be.
    private struct End {
        let address: IPAddress
        /// The network that it is attached to, where that is known.
        var network: IPNetwork?
        /// Whether it stands for one that the host has by DHCP.
        var isLease = false
    }

    private func checkInterface(at host: SiteHost) throws(Problem) {
        // Of a host whose interfaces the site file does not name any may be one.
        guard let interface, !host.interfaces.isEmpty else { return }
        let names = host.interfaces.map(\.name) + ["lo"]
        guard !names.contains(interface) else { return }
        let known = names.joined(separator: ", ")
        throw Problem(description: "--interface \(interface): `\(host.name)` has no such interface; it has \(known)")
    }

    /// - Parameter asked: the host that the packet is followed at.
    private func ends(
        _ option: String,
        _ word: String,
        _ asked: SiteHost,
        _ site: SiteModel
    ) throws(Problem) -> [End] {
        if let address = IPAddress(word) { return [End(address: address)] }
        guard let host = site.hosts[word] else {
            let hosts = site.hosts.keys.sorted().cut(8)
            throw Problem(
                description: "\(option) \(word): neither an address nor a host of the site, which has \(hosts)"
            )
        }
        let known = host.allAddresses.map { End(address: $0.address, network: $0.network) }
        let isLeased = host.name == asked.name && !host.dynamicInterfaces.isEmpty
        let ends = known + (isLeased ? leases(site) : [])
        guard !ends.isEmpty else {
            throw Problem(description: "\(option) \(word): the site file has no address of this host; write one")
        }
        return ends
    }

    /// Addresses of documentation, and one that providers share (RFC 5737, RFC 3849, RFC 9637, RFC 6598), that the site file
    /// and the other end have nothing to do with.
    private func leases(_ site: SiteModel) -> [End] {
        let attached = site.hosts.values.flatMap(\.allAddresses).map(\.network)
        let taken = AddressSet(site.networks.values.joined() + attached)
        let texts = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "100.64.0.1", "2001:db8::1", "3fff::1"]
        return texts.filter { $0 != from && $0 != to }.compactMap { IPAddress($0) }
            .filter { !taken.contains($0) }
            .map { End(address: $0, isLease: true) }
    }

    // MARK: - Protocol and port

    private func traffic(isV4: Bool, _ site: SiteModel) throws(Problem) -> (ProtocolNumber, detail: UInt16) {
        var number: ProtocolNumber?
        if let transport {
            number = ProtocolNumber(word: transport)
            guard number != nil else {
                throw Problem(
                    description: "--proto \(transport): write tcp, udp, icmp, icmpv6, a protocol such as esp, or a "
                        + "number from 0 to 255"
                )
            }
        }
        guard let port else {
            let number = number ?? .tcp
            if number == .icmp || number == .icmpv6 { return (number, Self.echo(number)) }
            guard number.hasPorts else { return (number, 0) }
            throw Problem(
                description: "say which port of \(number.text) is meant with --port: a number, or a service of the site"
            )
        }
        if port == FirewallRule.icmp {
            let number = number ?? (isV4 ? .icmp : .icmpv6)
            if number == .icmp || number == .icmpv6 { return (number, Self.echo(number)) }
        }
        guard let detail = UInt16(port) else { return try service(port, number, site) }
        let meant = number ?? .tcp
        if meant.hasPorts { return (meant, detail) }
        guard meant == .icmp || meant == .icmpv6 else {
            throw Problem(description: "--port \(port): \(meant.text) has no ports; leave it out")
        }
        guard detail <= 255 else { throw Problem(description: "--port \(port): the types of ICMP go from 0 to 255") }
        return (meant, detail << 8)
    }

    private static func echo(_ number: ProtocolNumber) -> UInt16 { (number == .icmp ? 8 : 128) << 8 }

    /// The one port of a service, or the protocol without ports that it is.
    private func service(
        _ word: String,
        _ number: ProtocolNumber?,
        _ site: SiteModel
    ) throws(Problem) -> (ProtocolNumber, detail: UInt16) {
        let written = (try? SiteService(text: word)).map { [$0] }
        guard let services = site.services[word] ?? written else {
            let known = site.services.keys.sorted().cut(8)
            throw Problem(
                description: "--port \(word): neither a port nor a service of the site, which has \(known)"
            )
        }
        let all = services.reduce(TrafficSet.none) { $0.union(TrafficSet($1)) }
        let meant = number.map { all.intersection(TrafficSet($0)) } ?? all
        guard let kinds = meant.kinds.ranges.first else {
            throw Problem(
                description: "--port \(word): it is \(all.text), and nothing of \(number?.text ?? "it"); "
                    + "leave --proto out, or name another"
            )
        }
        let found = ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: kinds.lowerBound >> 16))
        let isOne = meant.kinds.ranges.count == 1 && kinds.count == 1 || !found.hasPorts && meant == TrafficSet(found)
        guard isOne else { throw Problem(description: "--port \(word): it is \(meant.text); say one of them") }
        return (found, UInt16(truncatingIfNeeded: kinds.lowerBound))
    }
}
