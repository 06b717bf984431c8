import Site

/// The words by which rules are known, where the site file gives them none.
///
/// A rule's name is made of what it says and of nothing around it, so that it stays when lines come and go: `from`, `to`
/// and services, joined by `_`, the words of each by `.`: `app_mysql-primary.mysql-replica_mysql`.
struct RuleName {
    /// The longest name, in characters: nft's comments and log prefixes have room for little more.
    static let longest = 48

    private var taken: Set<String>
    /// The last number given to lines that say the same, so that to name a file full of one line takes time by its
    /// length, and not by the square of that.
    private var counts: [String: Int] = [:]

    /// - Parameter taken: names that are given already.
    init(taken: some Sequence<String>) {
        self.taken = Set(taken)
    }

    /// The name of a line of `allow`, `deny`, `never` or `exactly`.
    ///
    /// - Parameter kind: what the name begins with; nil for `allow`, the ordinary case.
    mutating func id(of rule: FirewallRule, _ kind: String?) -> String {
        let zones = [rule.inZone.map { "in-\($0)" }, rule.outZone.map { "out-\($0)" }].compactMap(\.self)
        let services = rule.services.map(\.word)
        return rule.id ?? next([kind.map { [$0] } ?? [], rule.from.words, rule.to.words, services, zones])
    }

    /// The name of a line of `masquerade`.
    mutating func id(of rule: MasqueradeRule) -> String {
        rule.id ?? next([["masquerade"], rule.from.words, rule.to == [.any] ? [] : rule.to.words, [rule.outZone]])
    }

    /// The name of a line of `forward`.
    mutating func id(of forward: PortForward) -> String {
        let target =
            switch forward.to {
            case .host(let name): name
            case .address(let address): address.description
            }
        return forward.id ?? next([["forward"], forward.from.words, [target], [forward.service.word]])
    }

    private mutating func next(_ parts: [[String]]) -> String {
        next(parts.filter { !$0.isEmpty }.map { $0.joined(separator: ".") }.joined(separator: "_"))
    }

    /// A name for a rule, from this text. Lines that say the same are told apart by a number, in the order of the file.
    mutating func next(_ text: String) -> String {
        var count = counts[text, default: 0]
        var name: String
        repeat {
            count += 1
            name = Self.fitting(count == 1 ? text : "\(text)-\(count)")
        } while !taken.insert(name).inserted
        counts[text] = count
        return name
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

extension [FirewallEndpoint] {
    fileprivate var words: [String] { map(\.word) }
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
