import Gateway
import OpenSSL

/// By what clients' certificates are checked, and how long it holds.
extension SiteConfiguration {
    /// When the lists of revoked certificates end, by the port of the listener that has some: seconds since 1970.
    internal static func clientListsEnds(of plan: Plan) throws(ConfigurationError) -> [UInt16: Int64] {
        var ends: [UInt16: Int64] = [:]
        for listener in plan.listeners {
            guard let tls = listener.tls, let authorities = tls.clientAuthority, let lists = tls.clientRevocationLists
            else { continue }
            do throws(OpenSSLError) {
                let trust = try ClientTrust(.init(authorities: authorities, revocationLists: lists, mode: .request))
                if let end = trust.listsEnd { ends[listener.port] = min(end, ends[listener.port] ?? .max) }
            } catch {
                throw .clientTrust(error)
            }
        }
        return ends
    }

    internal static func warnings(ofEnds ends: [UInt16: Int64], now: Int64) -> [String] {
        ends.sorted { $0.key < $1.key }.filter { $0.value < now }.map { port, end in
            "gateway.listen: port \(port): client-certificates: crl: \(wordsOfEnd(end)); put the CA's present list"
                + " there, then `gatehouse reload`"
        }
    }

    internal static func wordsOfEnd(_ end: Int64) -> String {
        "a list of revoked certificates ended at \(UTC.text(end)): clients are refused until there is a new one"
    }
}
