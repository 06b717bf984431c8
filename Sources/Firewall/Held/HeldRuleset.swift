/// What a kernel holds, as far as it is about packets: every base chain of every table, foreign ones included, with
/// the chains that they jump to. What was not understood stands in it as such and carries its text.
package struct HeldRuleset: Sendable {
    package var chains: [HeldChain] = []
    /// What a person should know of and no packet hangs on: objects that are not of a known kind, or what is said of the machine.
    package var remarks: [String] = []
    /// What could not be placed and may decide about packets. Where there is any, nothing is known of any packet.
    package var misplaced: [String] = []
    /// A rule that has connections expected, which are then `related` and not `new`; nil when there is none. What is said
    /// of new connections says nothing of those.
    package var expecting: String?
    /// A rule that puts connections into zones of their own, or may; nil when there is none. Connection tracking looks for
    /// the connection of a packet in the packet's zone, so that it may know the one direction and not the other: then
    /// nothing is known of any state.
    package var zoning: String?

    package init() {}

    /// The base chains of a hook of IP, in the order in which packets pass them. Of chains with one priority the order is
    /// that in which they were made or the other way round, which a list does not tell: those that may lead a packet
    /// astray come first, so that what is sure of it is sure in any order.
    package func bases(at hook: HeldHook) -> [Int] {
        let found = chains.indices.filter { chains[$0].base?.hook == hook && chains[$0].family.seesIP }
        return found.sorted { priority($0, $1) }
    }

    /// Every base chain that packets may pass on a way through the host: those of bridges that they may come by or leave
    /// by, then those of each hook.
    package func bases(on path: PacketPath) -> [Int] {
        let hooks = HeldHook.hooksOfBridges(on: path)
        let bridged = chains.indices.filter { index in
            chains[index].family == .bridge && chains[index].base.map { hooks.contains($0.hook) } ?? false
        }
        return bridged.sorted { priority($0, $1) } + HeldHook.hooks(of: path).flatMap(bases)
    }

    private func priority(_ left: Int, _ right: Int) -> Bool {
        let (first, second) = (chains[left].base?.priority ?? 0, chains[right].base?.priority ?? 0)
        guard first == second else { return first < second }
        let isLeftAstray = mayLeadAstray(left)
        return isLeftAstray == mayLeadAstray(right) ? left < right : isLeftAstray
    }

    /// Whether a rule that packets of the chain may come to, which is one of its table, changes what others see of them.
    private func mayLeadAstray(_ index: Int) -> Bool {
        chains.contains {
            $0.family == chains[index].family && $0.table == chains[index].table
                && $0.rules.contains(where: \.mayLeadAstray)
        }
    }

    /// Whether another chain may have changed the addresses of a packet before this one is asked, which is then not asked
    /// (`nf_nat_inet_fn`).
    func isSkippedPerhaps(_ index: Int) -> Bool {
        guard let base = chains[index].base, base.isTranslation else { return false }
        return bases(at: base.hook).contains { other in
            guard other != index, let base = chains[other].base else { return false }
            return base.isTranslation && base.priority <= chains[index].base?.priority ?? 0
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

    /// The hooks of bridges that packets may pass besides, when an interface of theirs is a bridge or a port of one.
    static func hooksOfBridges(on path: PacketPath) -> [HeldHook] {
        switch path {
        case .input: [.prerouting, .input]
        case .forward: [.prerouting, .input, .forward, .output, .postrouting]
        case .output: [.output, .postrouting]
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
        /// Whether the table may be dormant: nft 1.0.6 lists other memory in place of a table's flags.
        package var mayBeAsleep = false

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

    /// Whether packets pass it at a device below the interface that rules of IP see: a port of a bridge, the carrier of a
    /// VLAN. Then not every packet does, and names of interfaces are others.
    var isBelowIP: Bool { family == .bridge || base?.hook.isOfDevice == true }

    /// Whether it is in the table that is Gatehouse's.
    var isOwn: Bool { TableName.isOwn(family.rawValue, table) }

    /// As nft has it: `inet gatehouse input`.
    package var title: String { "\(family.rawValue) \(table) \(name)" }
}

/// A rule: its statements are asked one after another until a condition fails or a verdict is found. `continue`
/// (`HeldVerdict.next`) is none: the statement behind it is asked.
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

    /// Whether what rules behind it say of a packet need not hold any more.
    fileprivate var mayLeadAstray: Bool {
        statements.contains { statement in
            switch statement {
            case .untracking, .unknown, .verdict(.unknown): true
            case .verdictMap(_, let entries): entries.contains { if case .unknown = $0.verdict { true } else { false } }
            case .condition, .verdict, .translation: false
            }
        }
    }

    /// The first word of the comment, which in the project's own rules is the id.
    package var id: String? { comment.flatMap(Self.id(ofComment:)) }

    /// - Parameter comment: `ID line N, NOTE`, without the line for what comes with the house.
    static func id(ofComment comment: String) -> String? {
        comment.split { $0 == " " || $0 == "," }.first.map(String.init)
    }
}

package enum HeldStatement: Sendable {
    case condition(HeldCondition)
    case verdict(HeldVerdict)
    /// The verdict of the entry that holds the packet, of either when two do; the next rule when none does.
    case verdictMap(fields: [HeldField], entries: [(key: HeldKey, verdict: HeldVerdict)])
    /// Ends a chain of translation.
    case translation(HeldTranslation)
    /// Takes the packet out of connection tracking: from here on its state is `untracked`.
    case untracking
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
    /// Whether the packet is above this limit.
    case excess(HeldLimit, isAbove: Bool)
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
    /// The same by index, for which a list has the name of the interface that bears it.
    case inputIndex, outputIndex
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
