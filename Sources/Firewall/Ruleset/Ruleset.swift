package import Site

/// What nftables is to hold for one host, typed: one table with its sets, verdict maps and chains. Names refer to
/// things of the same table; every name that is used is defined, and no two things have the same name.
package struct Ruleset: Sendable, Equatable {
    /// The host that the ruleset is for.
    package var host: String
    /// Sets and verdict maps.
    package var sets: [NamedSet] = []
    /// Chains on hooks first, in the order of a packet's way; then those that they lead to.
    package var chains: [Chain] = []

    package init(host: String) {
        self.host = host
    }
}

/// The rule of the policy that a line of the ruleset was made of.
package struct RuleLabel: Sendable, Equatable {
    /// The word by which the rule is known everywhere.
    package var id: String
    /// Its line in the site file; `.none` for what comes with the house.
    package var position: SourcePosition

    package init(id: String, position: SourcePosition = .none) {
        self.id = id
        self.position = position
    }

    /// As comments and messages have it: `ssh line 12`.
    package var text: String { position.line > 0 ? "\(id) line \(position.line)" : id }

    /// A statement without the lines of the site file that its comment names, as ` line 12` and ` of lines 15-31`: where a
    /// rule is written says nothing of what it does.
    static func withoutLines(_ statement: String) -> String {
        let bytes = Array(statement.utf8)
        guard bytes.contains(UInt8(ascii: "\"")) else { return statement }
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: " "), let end = endOfPlace(bytes[index...]) {
                index = end
            } else {
                kept.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// Where a mention of lines ends that begins the bytes; nil where none does.
    private static func endOfPlace(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let word = places.first(where: { bytes.starts(with: $0) }) else { return nil }
        let digits = bytes.dropFirst(word.count).prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        let rest = bytes[digits.endIndex...]
        guard rest.first == UInt8(ascii: "-") else { return digits.endIndex }
        let more = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
        return more.isEmpty ? digits.endIndex : more.endIndex
    }

    private static let places = [" line ", " of line ", " of lines "].map { Array($0.utf8) }
}

/// A chain: rules in order, of which each may end the packet's way.
package struct Chain: Sendable, Equatable {
    package var name: String
    /// Where packets enter; nil for a chain that others lead to.
    package var hook: Hook?
    package var rules: [Rule] = []

    package init(_ name: String, hook: Hook? = nil, rules: [Rule] = []) {
        self.name = name
        self.hook = hook
        self.rules = rules
    }

    /// The hooks that are used, each with its type, priority and policy.
    package enum Hook: String, Sendable, CaseIterable {
        /// Before connection tracking sees the packet; what comes to the end goes on.
        case defences = "type filter hook prerouting priority raw; policy accept;"
        case translateDestination = "type nat hook prerouting priority dstnat; policy accept;"
        /// To the host itself; what comes to the end is dropped, as in the next two.
        case input = "type filter hook input priority filter; policy drop;"
        case forward = "type filter hook forward priority filter; policy drop;"
        case output = "type filter hook output priority filter; policy drop;"
        case translateSource = "type nat hook postrouting priority srcnat; policy accept;"
    }
}

/// One rule of a chain: when every match holds, the packet is counted, logged, and the action taken.
package struct Rule: Sendable, Equatable {
    /// In the order in which the kernel is to try them.
    package var matches: [Match] = []
    package var hasCounter = false
    /// The text before the kernel's own in the log; nil for no log.
    package var logPrefix: String?
    package var action: Action
    /// The rule of the policy behind it; nil where many are.
    package var label: RuleLabel?
    /// What the comment says beside the label, or in place of it: the rules that this one leads to.
    package var note: String?

    package init(_ matches: [Match] = [], _ action: Action, label: RuleLabel? = nil, note: String? = nil) {
        self.matches = matches
        self.action = action
        self.label = label
        self.note = note
    }
}

/// What a rule does with a packet.
package enum Action: Sendable, Equatable {
    /// Nothing: the next rule has its turn.
    case proceed
    case verdict(Verdict)
    /// Refused by a reset, for TCP alone.
    case rejectByReset
    /// Refused by an ICMP message of the packet's family.
    case rejectByMessage
    /// The verdict stands beside the value; a value that is not there proceeds.
    case lookup(Selector, [Element])
    /// The same in the verdict map of this name.
    case lookupNamed(Selector, String)
    /// The source becomes that of the interface that the packet leaves by.
    case masquerade
    case translateSource(IPAddress)
    case translateDestination(IPAddress, port: UInt16?)
}

/// A verdict, as rules and elements of verdict maps give it.
package enum Verdict: Sendable, Hashable {
    case accept, drop
    /// Back to the rule after the last `jump`, or to the policy when there was none.
    case leave
    case jump(String)
    /// As `jump`, but does not come back here.
    case goto(String)
}
