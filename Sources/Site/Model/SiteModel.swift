/// A whole site, as its file describes it. What is optional in the file has its default here.
///
/// A model that `SiteFile` hands out is consistent: every name that it refers to is defined in it.
package struct SiteModel: Sendable, Equatable {
    /// `site`: the name of the site, a domain name.
    package var name: String
    /// `networks`: named sets of address ranges, groups of them resolved. None is empty.
    package var networks: [String: [IPNetwork]] = [:]
    /// `hosts`, by name.
    package var hosts: [String: SiteHost] = [:]
    /// `services`, by name. None is empty; several entries are those of a group.
    package var services: [String: [SiteService]] = [:]
    /// `firewall`: what may reach what.
    package var firewall = FirewallSettings()
    /// `gateway`; nil when the file has no such section.
    package var gateway: GatewaySettings?
    /// `certificate-store`: the directory of the certificate store, resolved against the site file's own directory.
    package var certificateStore = "/var/lib/gatehouse/certs"
    package var certificateStorePosition = SourcePosition.none
    /// `certificates`, by name.
    package var certificates: [String: CertificateSettings] = [:]
    /// `internal-ca`: what the site's own CA makes.
    package var internalCA = InternalCASettings()

    package init(name: String) {
        self.name = name
    }
}
