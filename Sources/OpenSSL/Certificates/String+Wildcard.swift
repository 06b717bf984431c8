extension String {
    /// A DNS name of a certificate without the `*.` of a wildcard.
    package var withoutWildcard: String { hasPrefix("*.") ? String(dropFirst(2)) : self }
}
