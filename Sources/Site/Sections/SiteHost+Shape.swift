extension SiteHost {
    /// One entry of `hosts`.
    static let shape = Shape<SiteHost>.mapping(
        SiteHost(name: ""),
        [
            .key("roles", \.roles, .list(of: .role), "What the host is for: words that firewall rules refer to."),
            .key(
                "interfaces",
                \.interfaces,
                Shape<[HostInterface]>.entries(of: HostInterface.shape).map { entries, _, _ in
                    entries.map(\.1)
                },
                "The network interfaces, by the kernel's names."
            ),
            .key(
                "addresses",
                \.addresses,
                .list(of: .interfaceAddress),
                "Addresses with their prefix, where it does not matter which interface bears them."
            ),
        ]
    ).placed(\.position).named(\.name)
}

extension HostInterface {
    /// What the kernel allows: IFNAMSIZ, less the byte at the end.
    private static let longestName = 15

    /// One entry of a host's `interfaces`.
    static let shape = Shape<HostInterface>.mapping(
        HostInterface(name: ""),
        [
            .key("zone", \.zone, .zone, "Which side the interface faces, such as outside or inside."),
            .key("addresses", \.addresses, .list(of: .interfaceAddress), "Addresses with their prefix."),
            .key(
                "shared",
                \.shared,
                .list(of: .interfaceAddress),
                "Addresses that it has in turn with other hosts, as those of a VRRP pair."
            ),
            .key("dhcp", \.dhcp, .boolean, "Whether it gets its addresses by DHCP; true where it has none here."),
        ]
    ).placed(\.position).named(\.name).checked { interface, node, decoding in
        guard interface.name.utf8.count > longestName else { return }
        decoding.invalid(
            node,
            "\(quoted(interface.name)) is too long for an interface",
            help: "the kernel's names have at most \(longestName) characters"
        )
    }.map { interface, _, _ -> HostInterface? in
        var whole = interface
        whole.addresses += interface.shared
        return whole
    }
}

extension Shape where Value == String {
    /// A zone. Being faced by an interface is all it takes to exist.
    fileprivate static let zone = Shape.identifier.map(
        { zone, _, decoding in
            decoding.define(zone, as: .zone)
            return zone
        },
        encode: { .string($0) }
    )

    /// A role. Being borne by a host is all it takes to exist.
    static let role = Shape.identifier.map(
        { role, node, decoding -> String? in
            guard !FirewallEndpoint.reserved.contains(role) else {
                decoding.invalid(node, "\(quoted(role)) has a meaning of its own", help: "choose another name")
                return nil
            }
            decoding.define(role, as: .role)
            return role
        },
        encode: { .string($0) }
    )
}

extension Shape where Value == SiteService {
    /// One entry of `services`.
    static let service = Shape.text(
        "a service such as tcp/443 or esp",
        describe: \.description,
        parse: SiteService.init(text:)
    )
}

extension Shape where Value == ServiceReference {
    /// A service where a line is about one.
    static let serviceReference = Shape<String>
        .text("a service", describe: { $0 }, parse: { $0 })
        .map { word, node, decoding -> ServiceReference? in
            if word == FirewallRule.icmp || decoding.contains(word, .service) { return .named(word) }
            guard SiteService.isMeant(by: word) else {
                let form = SiteService.form
                decoding.unknown(node, "service", word, among: [.service], or: [FirewallRule.icmp], form: form)
                return nil
            }
            return Shape<SiteService>.service.decode(node, &decoding).map { .written($0) }
        }
}

extension Shape where Value == [ServiceReference] {
    /// What a line is about. A service that is there twice, by name and by number perhaps, was meant to be another.
    static let services = oneOrMore(of: .serviceReference).checked { services, node, decoding in
        guard case .sequence(let nodes) = node.content, nodes.count == services.count else { return }
        var seen: Set<ServiceReference> = []
        for (service, node) in zip(services, nodes) where !seen.insert(service).inserted {
            decoding.collector.report(
                .duplicate,
                at: node.range,
                "the service \(quoted(service.word)) is in the list twice",
                help: "leave it out here, or write another one"
            )
        }
    }
}
