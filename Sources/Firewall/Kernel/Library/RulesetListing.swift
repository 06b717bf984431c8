/// What of the kernel's rules to list.
package enum RulesetListing: Sendable, Equatable {
    /// Every table.
    case ruleset
    /// One table, which a crash over another one does not touch.
    case table(TableName)
    /// The tables' names alone.
    case tables
    /// The chains' names, types and hooks, of every table.
    case chains

    var command: String {
        switch self {
        case .ruleset: "list ruleset"
        case .table(let name): "list table \(name)"
        case .tables: "list tables"
        case .chains: "list chains"
        }
    }

    /// The listing that `command` is; nil for anything else.
    init?(command: String) {
        switch command {
        case "list ruleset": self = .ruleset
        case "list tables": self = .tables
        case "list chains": self = .chains
        default:
            let words = command.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 4, words[0] == "list", words[1] == "table",
                let name = TableName(family: String(words[2]), name: String(words[3]))
            else { return nil }
            self = .table(name)
        }
    }
}

/// A table's family and name.
package struct TableName: Sendable, Hashable, CustomStringConvertible {
    package let family: String
    package let name: String

    /// The one table that is Gatehouse's.
    package static let own = TableName(checkedFamily: "inet", name: "gatehouse")

    static func isOwn(_ family: String?, _ name: String?) -> Bool { family == own.family && name == own.name }

    private init(checkedFamily: String, name: String) {
        family = checkedFamily
        self.name = name
    }

    /// - Returns: nil for a family that there is not, and for a name that text cannot say without quotes.
    package init?(family: String, name: String) {
        guard ["inet", "ip", "ip6", "arp", "bridge", "netdev"].contains(family), (1...63).contains(name.utf8.count),
            name.utf8.allSatisfy({ Self.letters.contains($0) }), name.utf8.first.map(Self.digits.contains) == false
        else { return nil }
        self.init(checkedFamily: family, name: name)
    }

    private static let digits = Set("0123456789-.".utf8)
    private static let letters = digits.union("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_".utf8)

    package var description: String { "\(family) \(name)" }
}
