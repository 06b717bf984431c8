/// How classes of traffic are told apart by few elements: each protocol is looked up by its number, but for the ports and
/// types that lead elsewhere than most of the protocol does; and the class that most protocols belong to needs no
/// element at all.
struct TrafficPlan {
    /// By class.
    private(set) var ports: [Int: [ElementKey]] = [:]
    private(set) var types: [AddressFamily: [Int: [ElementKey]]] = [:]
    private(set) var codes: [AddressFamily: [Int: [ElementKey]]] = [:]
    private(set) var protocols: [Int: [ElementKey]] = [:]
    /// How `ports` are asked for.
    private(set) var portSelector = Selector.service
    /// The class of what no element is about.
    private(set) var rest = 0
    /// A word for each class, for names: `tcp_22`, or `tcp_22_and_others` where that is not all of it.
    let words: [String]

    /// - Parameter classes: disjoint, and all traffic together. Never empty.
    init(_ classes: [TrafficParts]) {
        var words = Array(repeating: ClassWord(), count: classes.count)
        var owners = Array(repeating: [ClosedRange<UInt8>](), count: classes.count)
        for (index, parts) in classes.enumerated() { owners[index] = parts.whole.ranges }

        let portOwners = Self.largest(classes) { $0.ports.map { ($0.number, $0.ports) } }
        for (number, owner) in portOwners { owners[owner].append(number.rawValue...number.rawValue) }
        let icmpOwners = Self.largest(classes) { $0.icmp.map { ($0.family == .v4 ? .icmp : .icmpv6, $0.details) } }
        for (number, owner) in icmpOwners { owners[owner].append(number.rawValue...number.rawValue) }

        var numbers: Set<ProtocolNumber> = []
        for (index, parts) in classes.enumerated() {
            for (number, ports) in parts.ports where portOwners[number] != index {
                numbers.insert(number)
                self.ports[index, default: []] += ports.ranges.map { .service(number, $0) }
                for range in ports.ranges { words[index].add(number, range) }
            }
            for (family, details) in parts.icmp {
                let number: ProtocolNumber = family == .v4 ? .icmp : .icmpv6
                guard icmpOwners[number] != index else { continue }
                let keys = ICMPKeys(details)
                types[family, default: [:]][index, default: []] += keys.types
                codes[family, default: [:]][index, default: []] += keys.codes
                for range in details.ranges { words[index].add(number, range.lowerBound >> 8...range.upperBound >> 8) }
            }
        }
        if numbers.count == 1, let number = numbers.first {
            portSelector = .port(number)
            ports = ports.mapValues { $0.map(\.withoutProtocol) }
        }

        let sets = owners.map { IntervalSet($0) }
        rest = sets.indices.max { (sets[$0].size, -$0) < (sets[$1].size, -$1) } ?? 0
        for index in sets.indices where index != rest && !sets[index].isEmpty {
            protocols[index] = sets[index].ranges.map { .protocols($0) }
            for range in sets[index].ranges { words[index].add(range) }
        }
        self.words = words.map(\.text)
    }

    /// A class by the first part of it, and whether there are more.
    private struct ClassWord {
        private var first: String?
        private var hasOthers = false

        var text: String { (first ?? "traffic") + (hasOthers ? "_and_others" : "") }

        mutating func add(_ number: ProtocolNumber, _ range: ClosedRange<UInt16>) {
            let end = range.count > 1 ? "-\(range.upperBound)" : ""
            add("\(number.word)_\(range.lowerBound)\(end)")
        }

        mutating func add(_ numbers: ClosedRange<UInt8>) {
            add(ProtocolNumber(rawValue: numbers.lowerBound).word)
            hasOthers = hasOthers || numbers.count > 1
        }

        private mutating func add(_ word: String) {
            hasOthers = hasOthers || first != nil
            first = first ?? word
        }
    }

    /// For each protocol that is divided, the class that holds most of it; among equals the first.
    private static func largest(
        _ classes: [TrafficParts],
        _ pieces: (TrafficParts) -> [(ProtocolNumber, IntervalSet<UInt16>)]
    ) -> [ProtocolNumber: Int] {
        var best: [ProtocolNumber: (size: Int, owner: Int)] = [:]
        for (index, parts) in classes.enumerated() {
            for (number, details) in pieces(parts) where details.size > best[number]?.size ?? 0 {
                best[number] = (details.size, index)
            }
        }
        return best.mapValues(\.owner)
    }
}

extension IntervalSet where Bound: FixedWidthInteger {
    /// How many numbers there are; for bounds of at most 32 bits.
    fileprivate var size: Int { ranges.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) + 1 } }
}

extension ElementKey {
    /// A service as its ports alone.
    fileprivate var withoutProtocol: ElementKey {
        if case .service(_, let ports) = self { .ports(ports) } else { self }
    }
}
