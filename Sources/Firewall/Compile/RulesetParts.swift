/// A ruleset while it is put together: names are given here, so that no two things share one.
struct RulesetParts {
    private var sets: [NamedSet] = []
    private var bases: [Chain] = []
    private var others: [Chain] = []
    private var places: [String: (isBase: Bool, index: Int)] = [:]
    private var taken: Set<String> = []
    /// Large sets of addresses by their content: two rules about the same addresses share one.
    private var shared: [[ElementKey]: String] = [:]
    /// The sets of conditions by the names that were wished for them.
    private var conditionSets: [String: [(keys: [ElementKey], name: String)]] = [:]
    /// The dynamic sets by which logging is limited.
    var logSets: [AddressFamily: String] = [:]
    /// The chain of each rule, by what it does.
    private var ruleChains: [String: [(rule: RuleConduct, chain: String)]] = [:]

    /// From so many ranges on a set is shared.
    private let sharedFrom = 64
    /// Up to so many ranges stand in the rule itself. Of addresses one: to the kernel several are a set in any case, and
    /// one that has a name can be changed by its elements.
    static func longestInline(_ selector: Selector) -> Int { selector.isAddress ? 1 : 4 }

    /// How long the text is, in lines, about.
    private(set) var length = 0

    mutating func base(_ hook: Chain.Hook, _ name: String) {
        taken.insert(name)
        places[name] = (true, bases.count)
        bases.append(Chain(name, hook: hook))
    }

    /// Makes an empty chain and returns its name, which begins with `wish`.
    mutating func chain(_ wish: String) -> String {
        let name = unused(wish)
        length += 3
        places[name] = (false, others.count)
        others.append(Chain(name))
        return name
    }

    /// - Parameter chain: one that this value made.
    mutating func append(_ rules: [Rule], to chain: String) {
        // Whoever names a chain has the name from `base` or `chain`.
        guard let place = places[chain] else { fatalError("chain \(chain) was never made") }
        length += rules.count
        if place.isBase { bases[place.index].rules += rules } else { others[place.index].rules += rules }
    }

    /// How many rules a chain has that this value made.
    func count(in chain: String) -> Int {
        places[chain].map { $0.isBase ? bases[$0.index].rules.count : others[$0.index].rules.count } ?? 0
    }

    /// How many rules the longest of the chains has that were made after `earlier` was what this value is.
    func longestChain(since earlier: RulesetParts) -> Int {
        others[earlier.others.count...].map(\.rules.count).max() ?? 0
    }

    /// A set or a verdict map of these elements, under a name that begins with `wish`.
    mutating func set(
        _ wish: String,
        _ selector: Selector,
        _ kind: NamedSet.Kind,
        _ elements: [Element],
        label: RuleLabel? = nil
    ) -> String {
        let name = unused(wish)
        length += 5 + elements.count
        sets.append(NamedSet(name, selector, kind, elements: elements, label: label))
        return name
    }

    /// The condition that the value is one of `keys`, or none of them; large ones become a set.
    mutating func condition(
        _ selector: Selector,
        _ keys: [ElementKey],
        isNegated: Bool = false,
        name: @autoclosure () -> String,
        label: RuleLabel? = nil
    ) -> Match {
        guard keys.count > Self.longestInline(selector) else {
            return isNegated ? .outside(selector, keys) : .among(selector, keys)
        }
        let wish = name()
        let set: String
        if let known = conditionSets[wish]?.first(where: { $0.keys == keys }) {
            // Another line of the same rule.
            set = known.name
        } else if keys.count >= sharedFrom, let known = shared[keys] {
            set = known
            // The set is no longer one rule's alone.
            if let index = sets.firstIndex(where: { $0.name == known }), sets[index].label != label {
                sets[index].label = nil
            }
        } else {
            set = self.set(wish, selector, .set, keys.map { Element($0, label: label) }, label: label)
            if keys.count >= sharedFrom { shared[keys] = set }
            conditionSets[wish, default: []].append((keys, set))
        }
        return isNegated ? .outsideNamed(selector, set) : .amongNamed(selector, set)
    }

    /// The chain that does what the rule says with every packet that gets there.
    mutating func ruleChain(_ rule: IntentRule, _ path: PacketPath) -> String {
        let conduct = RuleConduct(rule)
        let wish = "\(Chain.rulePrefix)\(path.rawValue)_\(Word.name(rule.id))"
        if let known = ruleChains[wish]?.first(where: { $0.rule == conduct }) { return known.chain }
        let name = chain(wish)
        ruleChains[wish, default: []].append((conduct, name))
        append(conduct.lines(name: name, &self), to: name)
        return name
    }

    func ruleset(host: String) -> Ruleset {
        var ruleset = Ruleset(host: host)
        ruleset.sets = sets
        // Those that lead on before those that decide.
        ruleset.chains =
            bases + others.filter { !$0.isRule } + others.filter { $0.isRule }
        ruleset.mergeChains()
        return ruleset
    }

    private mutating func unused(_ wish: String) -> String {
        var name = wish
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }
}

extension Chain {
    static let rulePrefix = "rule_"

    /// Whether it does what a rule of the policy says, and does not lead on to one.
    var isRule: Bool { name.hasPrefix(Self.rulePrefix) }
}

extension Word {
    /// The word as a part of a name in nftables' language, which knows letters, digits, `.`, `-` and `_`.
    static func name(_ word: String) -> String {
        let isPlain = { (byte: UInt8) in byte != UInt8(ascii: ":") && byte != UInt8(ascii: "@") }
        let safe = safe(word)
        guard !safe.utf8.allSatisfy(isPlain) else { return safe }
        return String(decoding: safe.utf8.map { isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }
}
