import Firewall
import Site
import Testing

/// The reference site, from its file.
func referenceSite() -> SiteModel {
    let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    guard let site = SiteFile.load(path: root + "/Policies/foobar.com.yaml").model else {
        fatalError("the reference site is in the repository, and a test of its own reads it")
    }
    return site
}

/// A site that is written in a test.
func site(_ text: String) throws -> SiteModel {
    let outcome = SiteFile.parse(bytes: Array(text.utf8), name: "site.yaml")
    return try #require(outcome.model, "\(outcome.text)")
}

/// Whether the hosts of a site let a new connection through.
struct Trial {
    /// The rules that decided, at the source and at the destination where these are hosts; nil for the default.
    private(set) var rules: [String: IntentRule?] = [:]

    /// - Parameters:
    ///   - from: a host of the site, whose first address counts, or an address.
    ///   - to: the same.
    init(_ site: SiteModel, _ intent: Intent, _ from: String, _ to: String, _ traffic: TrafficSet) throws {
        let (source, destination) = (try Self.address(from, site), try Self.address(to, site))
        let kind = try #require(traffic.kinds.first)
        let number = ProtocolNumber(rawValue: UInt8(kind >> 16))
        var packet = Packet(.output, from: source, to: destination, number, detail: UInt16(kind & 0xFFFF))
        packet.outputInterface = "eth0"
        if let host = intent.host(from) { rules["\(from) out"] = .some(host.rule(for: packet)) }
        if let host = intent.host(to) {
            packet.path = .input
            (packet.inputInterface, packet.outputInterface) = ("eth0", nil)
            rules["\(to) in"] = .some(host.rule(for: packet))
        }
    }

    var isLet: Bool { rules.values.allSatisfy { $0?.verdict == .accept } }

    private static func address(_ text: String, _ site: SiteModel) throws -> IPAddress {
        if let address = IPAddress(text) { return address }
        return try #require(site.hosts[text]?.allAddresses.first).address
    }
}
