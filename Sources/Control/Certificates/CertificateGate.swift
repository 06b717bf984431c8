import Engine
package import Gateway
package import Linux
package import OpenSSL

/// What a certificate must pass before clients see it, and after.
package enum CertificateGate {
    /// A certificate that was not in force before, at the listeners that show it.
    package struct Change: Sendable {
        /// Its name in the site file.
        package let name: String
        /// Those of its bundles that are new.
        package let bundles: [CertificateBundle]
    }

    /// What `fresh` has and `old` has not, in the order of the names.
    package static func changes(from old: Keyring?, to fresh: Keyring) -> [Change] {
        fresh.names(differingFrom: old ?? Keyring([:])).sorted().compactMap { name in
            let known = old?.offered(name).map(\.leaf.der) ?? []
            let new = fresh.offered(name).filter { !known.contains($0.leaf.der) }
            return new.isEmpty ? nil : Change(name: name, bundles: new)
        }
    }

    /// Serves each new certificate once, in memory. Costs about one handshake each.
    ///
    /// - Returns: why no client would get them, by the names of those that none would.
    package static func rehearse(_ changes: [Change]) -> [String: RehearsalError] {
        var refused: [String: RehearsalError] = [:]
        for change in changes {
            do throws(RehearsalError) {
                for bundle in change.bundles { try bundle.rehearse() }
            } catch {
                refused[change.name] = error
            }
        }
        return refused
    }

    /// What a look at a running listener came to.
    package enum Finding: Equatable, Sendable {
        /// The certificate that was to be served, or one of them, is.
        case good
        /// Clients get something else, or nothing; the words say what.
        case wrong(String)
        /// Nobody could look.
        case unknown(String)

        /// What is wrong.
        package var fault: String? {
            if case .wrong(let why) = self { why } else { nil }
        }

        /// Why nobody could look.
        package var obstacle: String? {
            if case .unknown(let why) = self { why } else { nil }
        }
    }

    /// Asks a listener for `name`, as a client would that was never here before.
    ///
    /// - Parameters:
    ///   - address: where the listener is; 0.0.0.0 and :: are asked at the loopback.
    ///   - name: of the site; empty for clients that name none.
    ///   - key: the kind of key that the client takes.
    ///   - expected: one of these is to come.
    package static func look(
        at address: SocketAddress,
        for name: String,
        _ key: PrivateKey.Algorithm,
        expecting expected: [Certificate]
    ) -> Finding {
        // A wildcard stands for any label.
        let asked = name.hasPrefix("*.") ? "gatehouse-probe" + name.dropFirst() : name
        let host = asked.isEmpty ? "a client that names no host" : asked
        switch HandshakeProbe.run(address.reachable, name: asked, key, within: patience) {
        case .served(let certificate):
            let der = certificate.der
            if expected.contains(where: { $0.der == der }) { return .good }
            return .wrong(
                "\(address) shows \(host) another certificate, \(certificate.fingerprint) of \(certificate.issuer)"
            )
        case .failed(let why): return .wrong("\(address) fails in a handshake for \(host): \(why)")
        case .unreachable(let why): return .unknown("\(address) could not be asked for \(host): \(why)")
        }
    }

    /// Milliseconds that a listener may take.
    private static let patience = 2_000
}

extension SocketAddress {
    /// Where this machine reaches a socket that is bound to this address.
    fileprivate var reachable: SocketAddress {
        guard high == 0, low == 0 else { return self }
        return isIPv6 ? SocketAddress(high: 0, low: 1, port: port) : SocketAddress(ipv4: 0x7F00_0001, port: port)
    }
}
