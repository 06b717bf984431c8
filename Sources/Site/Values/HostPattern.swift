/// Names of virtual hosts: one name, every name one label below a domain, or all names. Always in lower case, without a
/// dot at the end.
package enum HostPattern: Sendable, Hashable {
    /// `foobar.com`
    case exact(String)
    /// `*.foobar.com`, kept without its `*.`: names with exactly one more label (RFC 6125, section 6.4.3), so that what
    /// a certificate covers and what a route takes are the same names.
    case wildcard(String)
    /// `*`: whatever no other pattern takes.
    case any
}

extension HostPattern: CustomStringConvertible {
    init(text: String) throws(ValueFault) {
        if text == "*" {
            self = .any
        } else if text.hasPrefix("*.") {
            self = .wildcard(try DomainName.canonical(String(text.dropFirst(2))))
        } else if text.contains("*") {
            throw ValueFault("has its `*` in the wrong place", help: "write `*.example.com`, or `*` for every name")
        } else {
            self = .exact(try DomainName.canonical(text))
        }
    }

    /// As a site file writes it.
    package var description: String {
        switch self {
        case .exact(let name): name
        case .wildcard(let domain): "*." + domain
        case .any: "*"
        }
    }

    /// Whether a name is one of those meant.
    ///
    /// - Parameter name: in lower case, without a port and a dot at the end.
    package func matches(_ name: String) -> Bool {
        switch self {
        case .exact(let exact): return exact == name
        case .wildcard(let domain):
            guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
            return name[name.index(after: dot)...] == domain
        case .any: return true
        }
    }
}
