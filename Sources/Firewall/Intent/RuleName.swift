import Site

/// The words by which rules are known, where the site file gives them none.
///
/// A rule's name is made of what it says and of nothing around it, so that it stays when lines come and go: `from`, `to`
/// and services, joined by `_`, the words of each by `.`: `app_mysql-primary.mysql-replica_mysql`.
struct RuleName {
    /// The longest name, in characters: nft's comments and log prefixes have room for little more.
    static let longest = 48

    private var taken: Set<String>

    /// - Parameter taken: names that are given already.
    init(taken: some Sequence<String>) {
        self.taken = Set(taken)
    }

    /// A name for a rule. Lines that say the same are told apart by a number, in the order of the file.
    ///
    /// - Parameter kind: what the name begins with; empty for `allow`, the ordinary case.
    mutating func next(_ kind: String, _ rule: FirewallRule) -> String {
        let words = [
            rule.from.map(\.word), rule.to.map(\.word), rule.services,
        ]
        let parts = (kind.isEmpty ? [] : [kind]) + words.filter { !$0.isEmpty }.map { $0.joined(separator: ".") }
        return next(parts.joined(separator: "_"))
    }

    /// A name for a rule that follows from something else.
    mutating func next(_ text: String) -> String {
        let name = Self.fitting(text)
        var unique = name
        var count = 1
        while !taken.insert(unique).inserted {
            count += 1
            unique = Self.fitting("\(text)-\(count)")
        }
        return unique
    }

    /// The text with what a name cannot hold replaced. One that is too long ends in a number made of all of it.
    static func fitting(_ text: String) -> String {
        let name = String(decoding: text.utf8.map { isAllowed($0) ? $0 : UInt8(ascii: "-") }, as: UTF8.self)
        guard name.utf8.count > longest else { return name }
        // FNV-1a with 32 bits.
        let hash = text.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        let digits = String(hash, radix: 16)
        return "\(name.prefix(longest - 9))-\(String(repeating: "0", count: 8 - digits.count))\(digits)"
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}

extension FirewallEndpoint {
    /// As the site file writes it; a single address without its prefix.
    var word: String {
        switch self {
        case .any: "any"
        case .internet: "internet"
        case .all: "all"
        case .role(let name), .host(let name), .network(let name): name
        case .addresses(let network):
            network.prefixLength == network.address.width ? network.address.description : network.description
        }
    }
}
