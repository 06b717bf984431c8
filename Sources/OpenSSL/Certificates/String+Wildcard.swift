extension String {
    /// A DNS name of a certificate without the `*.` of a wildcard.
    package var withoutWildcard: String { hasPrefix("*.") ? String(dropFirst(2)) : self }

    /// The wildcard that has a DNS name; that of a wildcard is itself.
    package var wildcardAbove: String { firstIndex(of: ".").map { "*\(self[$0...])" } ?? self }
}
