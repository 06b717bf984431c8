package import Certificates
import Glibc
package import Linux
import Outbound
package import Site

/// HTTPS requests of one command or renewal, made by an outbound helper of its own, which is started with the first
/// request and ends with this object. For one thread, which it blocks.
package final class OutboundTransport: ACMETransport {
    package struct Settings: Sendable {
        /// The helper's program; the one beside this program when left alone.
        package var helper = ProcessStart.pathBesideThisProgram(OutboundHelper.program)
        /// Whom the helper becomes; nil for whoever runs this.
        package var user: UserAccount?
        /// A PEM file of whom to trust.
        package var authorities = "/etc/ssl/certs/ca-certificates.crt"
        /// Seconds that a server may take for one answer.
        package var patience: Int
        /// Whom to ask for names; empty for those of resolv.conf.
        package var nameServers: [NameServer] = []
        package var resolvConfPath = "/etc/resolv.conf"
        package var hostsPath = "/etc/hosts"

        /// How a site reaches a CA of its own.
        ///
        /// - Parameter user: whom the helper becomes; nil for whoever runs this.
        package init(_ acme: ACMESettings, of site: SiteModel, user: UserAccount?) {
            if let trust = acme.trust { authorities = trust }
            patience = max(1, Int(acme.timeout.components.seconds))
            nameServers = site.gateway?.nameServers ?? []
            self.user = user
        }
    }

    /// Milliseconds that the helper may take for one answer, besides what it gives a server.
    private static let margin: UInt64 = 15_000

    private let settings: Settings
    private var helper: OutboundHelper?
    internal var number: UInt64 = 0
    /// The addresses of hosts that were looked up.
    private var addresses: [String: [String]] = [:]

    package init(_ settings: Settings) {
        self.settings = settings
    }

    deinit {
        helper?.child.signal(SIGTERM)
        _ = helper?.child.wait(milliseconds: 1_000)
    }

    package func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
        guard let place = URLPlace(request.url) else {
            throw .malformed(url: request.url, why: "it is no https URL")
        }
        let answer: FetchAnswer
        do {
            let fetch = FetchRequest(
                request.method.asked,
                url: request.url,
                host: place.host,
                port: place.port,
                addresses: try addresses(of: place),
                body: request.body,
                agent: "gatehouse",
                patience: settings.patience
            )
            answer = try ask(fetch)
        } catch {
            throw .unreachable(url: request.url, why: "\(error)")
        }
        switch answer {
        case .excessive(let why): throw .malformed(url: request.url, why: why)
        case .failed(let why): throw .unreachable(url: request.url, why: why)
        case .answered(let status, let fields, let body):
            return ACMEResponse(status: status, fields: fields, body: body)
        }
    }

    // MARK: Names

    private func addresses(of place: URLPlace) throws -> [String] {
        if place.isAddress { return [] }
        if let known = addresses[place.host] { return known }
        let hosts = HostsFile(Self.text(of: settings.hostsPath))
        let local = hosts[place.host].map(\.bracketed)
        if !local.isEmpty {
            addresses[place.host] = local
            return local
        }
        let helper = try resolving()
        number += 1
        try helper.channel.send(.resolve(number: number, name: place.host))
        guard case .resolved(_, let answer) = try receive(number) else { throw Silence() }
        let found = [answer.v4, answer.v6].flatMap { records -> [String] in
            guard case .addresses(let list, _) = records else { return [] }
            return list.compactMap { IPAddress(bytes: $0)?.bracketed }
        }
        guard !found.isEmpty else { throw UnknownHost(host: place.host) }
        addresses[place.host] = found
        return found
    }

    private struct UnknownHost: Error, CustomStringConvertible {
        let host: String
        var description: String { "no address of \(host) is known" }
    }

    private static func text(of path: String) -> String {
        String(decoding: (try? FileReading.read(path, limit: 1 << 24)) ?? [], as: UTF8.self)
    }

    /// The helper, which knows whom to ask for names.
    internal func resolving() throws -> OutboundHelper {
        let helper = try running()
        let servers = NameServers.list(settings.nameServers, resolvConf: Self.text(of: settings.resolvConfPath))
        // It gives up open questions when it is told anew.
        if helper.nameServers != servers {
            try helper.channel.send(.nameServers(servers))
            helper.nameServers = servers
        }
        return helper
    }

    // MARK: The helper

    private struct Silence: Error, CustomStringConvertible {
        var description: String { "gatehouse-outbound gave no answer" }
    }

    private func running() throws -> OutboundHelper {
        if let helper { return helper }
        let authorities = try FileReading.openToHandOver(settings.authorities)
        let started = try OutboundHelper.start(
            settings.helper,
            user: settings.user,
            authorities: authorities.raw,
            now: Clock.monotonicNanoseconds / 1_000_000
        )
        helper = started
        return started
    }

    private func ask(_ request: FetchRequest) throws -> FetchAnswer {
        let helper = try running()
        number += 1
        try helper.channel.send(.fetch(number: number, request))
        guard case .fetched(_, let answer) = try receive(number) else { throw Silence() }
        return answer
    }

    /// The answer of that number; what else comes is passed over.
    private func receive(_ number: UInt64) throws -> OutboundMessage {
        guard let helper else { throw Silence() }
        let end = Clock.monotonicNanoseconds / 1_000_000 + UInt64(settings.patience) * 1000 + Self.margin
        while true {
            while let message = try helper.channel.receive() {
                switch message {
                case .resolved(number, _), .fetched(number, _): return message
                default: continue
                }
            }
            let now = Clock.monotonicNanoseconds / 1_000_000
            guard now < end else { throw Silence() }
            _ = Readiness.wait([helper.channel.raw], milliseconds: Int32(clamping: end - now))
        }
    }
}

/// The host and port of an https URL (RFC 3986, section 3.2).
private struct URLPlace {
    let host: String
    let port: UInt16
    /// The host is an IP address.
    let isAddress: Bool

    init?(_ url: String) {
        guard url.hasPrefix("https://") else { return nil }
        let authority = url.dropFirst("https://".count).prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { return nil }
        let end =
            authority.hasPrefix("[")
            ? authority.firstIndex(of: "]").map { authority.index(after: $0) } : authority.firstIndex(of: ":")
        let name = authority[..<(end ?? authority.endIndex)]
        let rest = authority[(end ?? authority.endIndex)...]
        guard !name.isEmpty, rest.isEmpty || rest.first == ":" else { return nil }
        guard let port = rest.isEmpty ? 443 : UInt16(rest.dropFirst()), port > 0 else { return nil }
        let bare = name.hasPrefix("[") ? name.dropFirst().dropLast() : name
        host = name.lowercased()
        isAddress = IPAddress(String(bare)) != nil
        self.port = port
    }
}

extension ACMERequest.Method {
    fileprivate var asked: FetchRequest.Method {
        switch self {
        case .get: .get
        case .head: .head
        case .post: .post
        }
    }
}

extension IPAddress {
    /// As it stands in a URL.
    fileprivate var bracketed: String {
        if case .v6 = self { "[\(self)]" } else { "\(self)" }
    }
}
