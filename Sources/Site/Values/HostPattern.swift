/// Names of virtual hosts: one name, every name one label below a domain, or all names. Always in lower case, without a dot at the end.
package enum HostPattern: Sendable, Hashable {
    /// `foobar.com`
    case exact(String)
    /// `*.foobar.com`, kept without its `*.`: names with exactly one more label (RFC 6125, section 6.4.3), so that what
    /// a certificate covers and what a route takes are the same names.
    case wildcard(String)
    /// `*`: whatever no other pattern takes.
    case any
}
