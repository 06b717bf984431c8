extension SiteModel {
    /// The site file's root. Sections are decoded in this order, so that each comes after those it refers to.
    static let shape = Shape<SiteModel>.mapping(
        SiteModel(name: ""),
        [
            .key("site", \.name, .domainName, required: true, "The name of the site, a domain name."),
            .key(
                "networks",
                \.networks,
                .groups(
                    of: .network,
                    when: IPNetwork.isMeant,
                    form: "write the name of a network, or addresses such as `10.0.0.0/8`",
                    defining: .network,
                    reserved: FirewallEndpoint.reserved
                ),
                "Named sets of address ranges."
            ),
            .key(
                "hosts",
                \.hosts,
                .table(of: SiteHost.shape, defining: .host, reserved: FirewallEndpoint.reserved),
                "The machines of the site."
            ),
            .key(
                "services",
                \.services,
                .groups(
                    of: .service,
                    when: SiteService.isMeant,
                    form: SiteService.form,
                    defining: .service,
                    reserved: SiteService.reserved
                ),
                "Named ports, such as tcp/443, and protocols, such as esp."
            ),
            .key(
                "certificate-store",
                \.certificateStore,
                .filePath,
                "The directory of the certificate store, relative to the site file."
            ).placed(\.certificateStorePosition),
            .key(
                "certificates",
                \.certificates,
                .table(
                    of: CertificateSettings.shape,
                    defining: .certificate,
                    reserved: CertificateSettings.reservedNames
                ),
                "The certificates of the site."
            ),
            .key("internal-ca", \.internalCA, InternalCASettings.shape, "The site's own CA."),
            .key("firewall", \.firewall, FirewallSettings.shape, "What may reach what."),
            .key("gateway", \.gateway, GatewaySettings.shape, "The reverse proxy."),
        ],
        isKeptWhenFaulty: true
    )
}

extension Shape where Value == String {
    /// A domain name, in lower case.
    static let domainName = Shape.text("a domain name", describe: { $0 }, parse: DomainName.canonical)
}
