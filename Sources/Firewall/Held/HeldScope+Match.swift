import Site

extension HeldScope {
    /// The conditions of a match: also those that nft leaves out of its list since the field implies them.
    func match(_ match: JSONValue) -> [HeldCondition] {
        let unknown = HeldCondition.unknown(JSONValue.object([.init("match", match)]).excerpt)
        guard let left = match["left"], let right = match["right"], let operation = match["op"]?.text else {
            return [unknown]
        }
        if let bounds = right["range"]?.items {
            // Two comparisons of different fields are listed as a range of the second; no range is one value.
            guard isChecked, bounds.first != bounds.last else { return [unknown] }
        }
        switch left.only?.name {
        case "fib": return [routing(left["fib"], operation, right) ?? unknown]
        case "tcp option": return segments(left["tcp option"], operation, right) ?? [unknown]
        case "ct" where left["ct"]?["key"]?.text == "status": return [status(operation, right) ?? unknown]
        case "meta" where left["meta"]?["key"]?.text == "time": return [clock(operation, right) ?? unknown]
        case "payload"
        where left["payload"]?["protocol"]?.text == "ip6" && left["payload"]?["field"]?.text == "hoplimit":
            return hops(operation, right) ?? [unknown]
        case "&": return [masked(left["&"]?.items ?? [], operation, right) ?? unknown]
        case "payload"
        where left["payload"]?["field"]?.text == "protocol" && left["payload"]?["protocol"]?.text == "ip":
            guard let protocols = compare(.transport, operation, right) else { return [unknown] }
            return [.fields([.family], entries: [[IntervalSet(0)]], isNegated: false), protocols]
        default: break
        }
        guard let fields = fields(left) else { return [unknown] }
        if fields == [.tcpFlags] { return [flags(operation, right) ?? unknown] }
        if operation == "==", isEnding(right) {
            guard let entries = entries(right, fields, ending: true) else { return [unknown] }
            // Who is in the set may be out of it a moment later. Who is not comes in as little as into any other.
            return [.fields(fields, entries: entries, isNegated: false), unknown]
        }
        if fields.count == 1 { return [compare(fields[0], operation, right) ?? unknown] }
        guard operation == "==" || operation == "!=", let entries = entries(right, fields) else { return [unknown] }
        return [.fields(fields, entries: entries, isNegated: operation == "!=")]
    }

    private func compare(_ field: HeldField, _ operation: String, _ right: JSONValue) -> HeldCondition? {
        let negated = operation == "!=" || operation == "!"
        if operation == "<" || operation == ">" || operation == "<=" || operation == ">=" {
            guard field.isOrdered, let number = field.numbers(right)?.single else { return nil }
            let range: ClosedRange<UInt128>? =
                switch operation {
                case "<": number == 0 ? nil : 0...(number - 1)
                case "<=": 0...number
                case ">": number >= field.last ? nil : (number + 1)...field.last
                default: number...field.last
                }
            return .fields([field], entries: [[IntervalSet(range.map { [$0] } ?? [])]], isNegated: false)
        }
        if operation == "in" || operation == "!" {
            // Any of these bits, or none: a packet has one state.
            guard field == .state else { return nil }
            let words = (right["|"] ?? right).listed
            return one(field, words, isNegated: negated)
        }
        guard operation == "==" || negated else { return nil }
        if right["|"] != nil { return nil }
        if case .array(let words) = right, words.count != 1 { return nil }
        guard let entries = entries(right, [field]) else { return nil }
        return .fields([field], entries: entries, isNegated: negated)
    }

    private func one(_ field: HeldField, _ values: [JSONValue], isNegated: Bool) -> HeldCondition? {
        var ranges: [ClosedRange<UInt128>] = []
        for value in values {
            guard let numbers = field.numbers(value) else { return nil }
            ranges += numbers.ranges
        }
        return .fields([field], entries: [[IntervalSet(ranges)]], isNegated: isNegated)
    }

    /// Whether the right side of a match is a set by name of which elements end by themselves.
    private func isEnding(_ right: JSONValue) -> Bool {
        guard let text = right.text, text.hasPrefix("@") else { return false }
        return reader.isEnding(String(text.dropFirst()), self)
    }

    /// What the right side of a match holds: one value, a set in braces, or a set by name.
    ///
    /// - Parameter isEnding: whether also elements that end by themselves are asked for.
    private func entries(_ right: JSONValue, _ fields: [HeldField], ending isEnding: Bool = false) -> [HeldKey]? {
        let isNamed = right.text?.hasPrefix("@") == true
        // An interface of such a name is listed like a set.
        if isNamed, fields.count == 1, fields[0].isInterface { return nil }
        let isSet = right["set"] != nil || isNamed
        guard let elements = isSet ? elements(right, "set", ending: isEnding) : right.listed else { return nil }
        var keys: [HeldKey] = []
        for element in elements {
            guard let key = key(element, fields, ending: isEnding) else { return nil }
            keys.append(key)
        }
        guard fields.count == 1 else { return keys }
        return [[IntervalSet(keys.flatMap { $0[0].ranges })]]
    }

    // MARK: - TCP's flags

    private func flags(_ operation: String, _ right: JSONValue) -> HeldCondition? {
        if let set = right["set"] {
            guard operation == "==" || operation == "!=" else { return nil }
            var values: [UInt8] = []
            for element in set.listed {
                guard let value = Self.bits(element) else { return nil }
                values.append(value)
            }
            return Self.flags { values.contains($0) == (operation == "==") }
        }
        guard let bits = Self.bits(right) else { return nil }
        switch operation {
        case "==": return Self.flags { $0 == bits }
        case "!=": return Self.flags { $0 != bits }
        case "in": return Self.flags { $0 & bits != 0 }
        case "!": return Self.flags { $0 & bits == 0 }
        default: return nil
        }
    }

    private func masked(_ parts: [JSONValue], _ operation: String, _ right: JSONValue) -> HeldCondition? {
        guard parts.count == 2, fields(parts[0]) == [.tcpFlags], let mask = Self.bits(parts[1]) else { return nil }
        guard let bits = Self.bits(right) else { return nil }
        switch operation {
        case "==": return Self.flags { $0 & mask == bits }
        case "!=": return Self.flags { $0 & mask != bits }
        default: return nil
        }
    }

    private static func flags(_ condition: (UInt8) -> Bool) -> HeldCondition {
        let values = (UInt8.min...UInt8.max).filter(condition).map { UInt128($0)...UInt128($0) }
        return .fields([.tcpFlags], entries: [[IntervalSet(values)]], isNegated: false)
    }

    /// Flags as one word, a list of them, or a number.
    private static func bits(_ value: JSONValue) -> UInt8? {
        switch value {
        case .integer(let number): return UInt8(exactly: number)
        case .string(let word): return HeldWords.flags[word]
        default:
            var bits: UInt8 = 0
            for part in (value["|"] ?? value).listed {
                guard part != value, let bit = Self.bits(part) else { return nil }
                bits |= bit
            }
            return bits
        }
    }

    // MARK: - What no address shows

    private func routing(_ fib: JSONValue?, _ operation: String, _ right: JSONValue) -> HeldCondition? {
        guard let fib, operation == "==" || operation == "!=" else { return nil }
        let flags = Set((fib["flags"]?.listed ?? []).compactMap(\.text))
        let holds = operation == "=="
        switch fib["result"]?.text {
        case "oif" where flags == ["saddr", "iif"]:
            guard let exists = right.boolean else { return nil }
            return .oddity(.withoutReturnPath, isPresent: exists != holds)
        case "type" where flags == ["saddr"]:
            let kinds = Set((right["set"] ?? right).listed.map { $0.text ?? HeldWords.routeTypes[$0.integer ?? -1] })
            return kinds == ["broadcast", "multicast"] ? .oddity(.broadcastSource, isPresent: holds) : nil
        case "type" where flags == ["daddr"]:
            let kinds = (right["set"] ?? right).listed.map { $0.text ?? HeldWords.routeTypes[$0.integer ?? -1] }
            return kinds == ["local"] ? .oddity(.toOwnAddress, isPresent: holds) : nil
        default: return nil
        }
    }

    /// What has become of the connection: our own rules alone ask where the policy says what does.
    private func status(_ operation: String, _ right: JSONValue) -> HeldCondition? {
        guard isOwn else { return nil }
        switch (operation, right.text ?? right.integer.map { "\($0)" }) {
        case ("in", "dnat"?), ("in", "32"?): return .oddity(.redirected, isPresent: true)
        case ("!", "confirmed"?), ("!", "8"?): return .unknown(Self.unconfirmed)
        default: return nil
        }
    }

    /// Packets do not tell the first of a connection; together with a limit it says what that counts.
    static let unconfirmed = "ct status ! confirmed"

    /// The time, which nft writes in the zone of whoever lists: the project's own worker lists in UTC.
    private func clock(_ operation: String, _ right: JSONValue) -> HeldCondition? {
        guard operation == "<", let text = right.text else { return nil }
        let parts = text.split(separator: " ")
        guard parts.count == 2, let end = try? DateTime(text: "\(parts[0])T\(parts[1])Z") else { return nil }
        return .before(end.seconds)
    }

    private func hops(_ operation: String, _ right: JSONValue) -> [HeldCondition]? {
        guard operation == "==" || operation == "!=", right.integer == 255 else { return nil }
        let six = HeldCondition.fields([.family], entries: [[IntervalSet(1)]], isNegated: false)
        return [six, .oddity(.throughRouter, isPresent: operation == "!=")]
    }

    private func segments(_ option: JSONValue?, _ operation: String, _ right: JSONValue) -> [HeldCondition]? {
        // By which header of which family the kernel asks for TCP nft does not list; our own rules ask for any.
        guard isOwn, option?["name"]?.text == "maxseg", option?["field"]?.text == "size" else { return nil }
        let bounds = right["range"]?.items.map(\.integer)
        guard
            (operation == "<" && right.integer == 536) || (operation == "<=" && right.integer == 535)
                || (operation == "==" && (bounds == [0, 535] || bounds == [1, 535]))
        else { return nil }
        let tcp = IntervalSet(UInt128(ProtocolNumber.tcp.rawValue))
        return [.fields([.transport], entries: [[tcp]], isNegated: false), .oddity(.smallSegments, isPresent: true)]
    }
}
