package import Site

/// Whether the person who applies a ruleset could still come in after it.
package struct AdministratorCheck: Sendable {
    /// From where the administrator comes, and where to.
    package struct Access: Sendable, Equatable {
        package let source: IPAddress
        /// nil when it is not known which of the host's addresses is used.
        package let destination: IPAddress?
        package let port: UInt16

        /// Reads SSH_CONNECTION (ssh(1)): the client's address and port, the server's address and port.
        ///
        /// A link-local address comes with its zone, which is left out; an IPv4 address mapped into IPv6 is IPv4.
        package init?(sshConnection text: String) {
            let words = text.split(separator: " ")
            guard words.count == 4, let source = Self.address(words[0]), let destination = Self.address(words[2]),
                let port = UInt16(words[3]), port > 0
            else { return nil }
            (self.source, self.destination, self.port) = (source, destination, port)
        }

        /// Somebody at that address, by SSH.
        package init(source: IPAddress, port: UInt16 = 22) {
            (self.source, self.destination, self.port) = (source, nil, port)
        }

        private static func address(_ word: Substring) -> IPAddress? {
            let text = word.prefix { $0 != "%" }
            return IPAddress(String(text.hasPrefix("::ffff:") && text.contains(".") ? text.dropFirst(7) : text))
        }
    }

    package enum Verdict: Sendable, Equatable {
        /// A new connection would be let in by this rule.
        case admitted(rule: String)
        /// It would not: by this rule, or by none.
        case refused(rule: String?)
        /// The host has no address of the administrator's family.
        case unreachable
    }

    /// Asks the intent about a new TCP connection, to any of the host's addresses when it is not known to which.
    ///
    /// A rule that lets in at a limited rate counts; one that ends does not, when it ends before `until`.
    /// - Parameter until: seconds since 1970.
    package static func verdict(_ access: Access, _ host: HostIntent, addresses: [IPAddress], until: Int64) -> Verdict {
        let own = addresses.filter { $0.width == access.source.width }
        let destinations = access.destination.map { own.contains($0) ? [$0] : own } ?? own
        guard !destinations.isEmpty else { return .unreachable }
        var refusal: String?
        for destination in destinations {
            var packet = Packet(.input, from: access.source, to: destination, .tcp, detail: access.port)
            packet.sourcePort = 40_000
            packet.inputInterface = interface(of: destination, in: host)
            let rule = host.rule(for: packet)
            if let rule, rule.verdict == .accept, rule.expires.map({ $0 > until }) ?? true {
                return .admitted(rule: rule.id)
            }
            refusal = refusal ?? rule?.id
        }
        return .refused(rule: refusal)
    }

    private static func interface(of address: IPAddress, in host: HostIntent) -> String {
        host.interfaces.first { $0.addresses.contains { $0.address == address } }?.name ?? HostIntent.unnamedInterface
    }
}

extension HostIntent {
    /// Stands for an interface that the site file does not name: no interface of Linux has a name with a slash, so no
    /// rule for named interfaces, such as the one for loopback, takes its packets. A packet without an interface would
    /// fulfil every such rule.
    static let unnamedInterface = "/"
}
