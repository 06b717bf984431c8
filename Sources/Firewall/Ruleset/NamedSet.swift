/// A set or a verdict map of the table.
package struct NamedSet: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case set
        /// Every element has a verdict.
        case verdicts
        /// Filled by packets: at most `size` elements, each forgotten when nobody asked for it for `timeout` seconds.
        case dynamic(size: Int, timeout: Int?)
    }

    package var name: String
    package var selector: Selector
    package var kind: Kind
    /// Ascending and disjoint; empty for a dynamic set.
    package var elements: [Element]
    /// The rule that it belongs to; nil where several share it.
    package var label: RuleLabel?

    package init(_ name: String, _ selector: Selector, _ kind: Kind, elements: [Element] = [], label: RuleLabel? = nil)
    {
        self.name = name
        self.selector = selector
        self.kind = kind
        self.elements = elements
        self.label = label
    }

    /// Whether elements may be ranges. Those of addresses always may, so that a network can be added to them later;
    /// others are hashed, if they can be.
    package var isInterval: Bool {
        if case .dynamic = kind { return false }
        return selector.isAddress || elements.contains { $0.key.isRange }
    }
}

/// One element of a set, with its verdict in a verdict map.
package struct Element: Sendable, Equatable {
    package var key: ElementKey
    package var verdict: Verdict?
    /// The rule that the verdict leads to, where it leads to one.
    package var label: RuleLabel?
    /// What the comment says where it leads to several rules.
    package var note: String?

    package init(_ key: ElementKey, _ verdict: Verdict? = nil, label: RuleLabel? = nil, note: String? = nil) {
        self.key = key
        self.verdict = verdict
        self.label = label
        self.note = note
    }
}

/// The value, or range of values, that an element stands for. What fits which selector, the selector says.
package enum ElementKey: Sendable, Hashable {
    case v4(ClosedRange<UInt32>)
    case v6(ClosedRange<UInt128>)
    case ports(ClosedRange<UInt16>)
    /// A protocol and destination ports in it.
    case service(ProtocolNumber, ClosedRange<UInt16>)
    /// Numbers of protocols.
    case protocols(ClosedRange<UInt8>)
    /// Types of ICMP, with every code.
    case types(ClosedRange<UInt8>)
    /// Codes of one type of ICMP.
    case codes(type: UInt8, ClosedRange<UInt8>)
    case interface(String)
    case state(ConnectionState)

    package var isRange: Bool {
        switch self {
        case .v4(let range): range.lowerBound != range.upperBound
        case .v6(let range): range.lowerBound != range.upperBound
        case .ports(let range), .service(_, let range): range.lowerBound != range.upperBound
        case .protocols(let range), .types(let range), .codes(_, let range): range.lowerBound != range.upperBound
        case .interface, .state: false
        }
    }
}

package enum AddressFamily: String, Sendable, Hashable, CaseIterable {
    case v4 = "ipv4"
    case v6 = "ipv6"

    /// As people write it.
    var title: String { self == .v4 ? "IPv4" : "IPv6" }
}

/// What of a packet is looked at.
package enum Selector: Sendable, Hashable {
    case inputInterface, outputInterface
    /// Holds packets of that family alone.
    case source(AddressFamily)
    case destination(AddressFamily)
    /// Protocol and destination port together; holds packets with ports alone.
    case service
    /// The destination port of packets of this protocol, which has ports.
    case port(ProtocolNumber)
    case sourcePort
    case protocolNumber
    /// Type, or type and code, of ICMP (IPv4) or ICMPv6 (IPv6); holds such packets alone.
    case icmpType(AddressFamily)
    case icmpCode(AddressFamily)
    case state

    package var isAddress: Bool {
        switch self {
        case .source, .destination: true
        default: false
        }
    }
}
