/// What a kernel holds, as far as it is about packets: every base chain of every table, foreign ones included, with
/// the chains that they jump to. What was not understood stands in it as such and carries its text.
package struct HeldRuleset: Sendable {
    package var chains: [HeldChain] = []
    /// What concerns no chain, or too many: a device that is not named, an object of an unknown kind. It does not bear
    /// on the answers; a person should know of it.
    package var remarks: [String] = []

    package init() {}

    /// The base chains that packets pass at a hook, in the order in which they pass them.
    package func bases(at hook: HeldHook) -> [Int] {
        let found = chains.indices.filter { chains[$0].base?.hook == hook && chains[$0].family.seesIP }
        return found.sorted {
            let (one, two) = (chains[$0].base?.priority ?? 0, chains[$1].base?.priority ?? 0)
            return (one, $0) < (two, $1)
        }
    }
}

/// A family of tables.
package enum HeldFamily: String, Sendable, Hashable {
    case ip, ip6, inet, arp, bridge, netdev

    /// Whether packets of IP that are not merely bridged pass its chains.
    var seesIP: Bool { self != .arp && self != .bridge }
}

/// Where a base chain hangs.
package enum HeldHook: String, Sendable, Hashable, CaseIterable {
    case ingress, prerouting, input, forward, output, postrouting, egress

    /// The hooks that packets of a path pass, in order.
    package static func hooks(of path: PacketPath) -> [HeldHook] {
        switch path {
        case .input: [.ingress, .prerouting, .input]
        case .forward: [.ingress, .prerouting, .forward, .postrouting, .egress]
        case .output: [.output, .postrouting, .egress]
        }
    }
}

package struct HeldChain: Sendable {
    package struct Base: Sendable, Hashable {
        package var hook: HeldHook
        package var priority: Int
        /// Whether what no rule decides is dropped.
        package var drops: Bool
        /// Network address translation: only the first packet of a connection passes.
        package var isTranslation: Bool
        /// For `ingress` and `egress`: the interfaces; nil when the kernel's list does not name them.
        package var devices: [String]?

        package init(
            hook: HeldHook,
            priority: Int,
            drops: Bool,
            isTranslation: Bool = false,
            devices: [String]? = nil
        ) {
            self.hook = hook
            self.priority = priority
            self.drops = drops
            self.isTranslation = isTranslation
            self.devices = devices
        }
    }

    package var family: HeldFamily
    package var table: String
    package var name: String
    /// nil for a chain that is only jumped to.
    package var base: Base?
    package var rules: [HeldRule] = []

    package init(family: HeldFamily, table: String, name: String, base: Base? = nil, rules: [HeldRule] = []) {
        self.family = family
        self.table = table
        self.name = name
        self.base = base
        self.rules = rules
    }

    /// As nft has it: `inet gatehouse input`.
    package var title: String { "\(family.rawValue) \(table) \(name)" }
}

/// A rule: its statements are asked one after another until a condition fails or a verdict is found.
package struct HeldRule: Sendable {
    /// The rule's comment; nil when it has none. The project's own rules have their id there.
    package var comment: String?
    package var handle: Int
    package var statements: [HeldStatement]

    package init(comment: String? = nil, handle: Int = 0, _ statements: [HeldStatement]) {
        self.comment = comment
        self.handle = handle
        self.statements = statements
    }

    /// The first word of the comment, which in the project's own rules is the id.
    package var id: String? { comment.flatMap { $0.split(separator: " ").first.map(String.init) } }
}

package indirect enum HeldStatement: Sendable {
    case condition(HeldCondition)
    case verdict(HeldVerdict)
    /// The verdict of the entry that holds the packet; the next rule when none does. No packet is in two entries.
    case verdictMap(fields: [HeldField], entries: [(key: HeldKey, verdict: HeldVerdict)])
    /// Ends a chain of translation.
    case translation(HeldTranslation)
    /// Anything might come of it; with its text.
    case unknown(String)
}

package enum HeldVerdict: Sendable, Hashable {
    case accept, drop, reject, next, back
    /// With the chain's index in the ruleset.
    case jump(Int), goto(Int)
    /// Nobody here knows what becomes of the packet; with the text.
    case unknown(String)
}

/// What a rule asks of a packet.
package enum HeldCondition: Sendable {
    /// The packet has all fields, and they are in one of the entries; or, when negated, in none.
    case fields([HeldField], entries: [HeldKey], isNegated: Bool)
    /// Whether the packet has one of these oddities.
    case oddity(PacketOddities, isPresent: Bool)
    /// The clock shows less than these seconds since 1970.
    case before(Int64)
    /// May hold or not; with its text.
    case unknown(String)
}

/// The numbers of each field of an entry, in the order of the fields.
package typealias HeldKey = [IntervalSet<UInt128>]

/// A part of a packet that rules ask for, and by asking imply what the packet is.
package enum HeldField: Sendable, Hashable {
    /// 0 for IPv4, 1 for IPv6.
    case family
    /// As `InterfaceName` has them; 0 at hooks where the packet has none.
    case inputInterface, outputInterface
    case source4, source6, destination4, destination6
    /// The protocol above IP.
    case transport
    case sourcePort(ProtocolNumber), destinationPort(ProtocolNumber)
    /// The ports wherever a port would stand (`th dport`): of protocols without ports nothing is known.
    case anySourcePort, anyDestinationPort
    case icmpType, icmpCode, icmpv6Type, icmpv6Code
    /// `ConnectionState.rawValue`.
    case state
    case tcpFlags
}

/// What a router does to a packet's addresses, as the kernel holds it.
package enum HeldTranslation: Sendable, Hashable {
    case masquerade
    case source(String)
    case destination(String)
    case redirect(String)
    /// With its text, which says more than where packets go: ports, flags.
    case other(String)
}
