package import Bytes

/// One header or trailer field, as offsets into its head's bytes.
package struct Field: Sendable {
    /// The name in lower case.
    package var name: Slice
    /// The value without white space at its edges.
    package var value: Slice
    /// Which of the names that the gateway acts upon this is.
    package var known: FieldName
    /// Named by Connection, or hop-by-hop by itself (RFC 9110 section 7.6.1): never passed on.
    package var isHopByHop: Bool

    package init(name: Slice, value: Slice, known: FieldName, isHopByHop: Bool) {
        self.name = name
        self.value = value
        self.known = known
        self.isHopByHop = isHopByHop
    }
}

/// A set of the names that the gateway acts upon.
package struct FieldNames: Sendable {
    private let bits: UInt64

    package init(_ names: FieldName...) {
        bits = names.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
    }

    package func contains(_ name: FieldName) -> Bool { bits &>> UInt64(name.rawValue) & 1 != 0 }
}
