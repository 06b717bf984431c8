import Site

/// What libnftables lists as JSON, as nft writes it: for people, who know rules by that. What is not known here stands
/// with its word and its JSON. Nothing is decided by it.
struct ListedText {
    private static let longest = 300

    /// A statement, a condition, or an element.
    ///
    /// - Parameter type: of the set that an element is in.
    static func of(_ value: JSONValue, type: JSONValue? = nil) -> String {
        guard let names = type.flatMap({ ListedNames(ofType: $0) }) else { return cut(statement(value)) }
        return cut(expression(value, names))
    }

    /// A rule with its comment, or what there is of a chain, a set, a map or another object.
    static func ofObject(_ value: JSONValue) -> String {
        guard let statements = value["expr"]?.items else {
            guard case .object(let members) = value else { return of(value) }
            if let hook = value["hook"]?.text { return cut(chain(value, hook)) }
            let parts = members.filter { !["family", "table", "name", "chain", "map"].contains($0.name) }
            return cut(parts.map { property($0, of: value) }.joined(separator: value["type"] == nil ? " " : "; "))
        }
        let comment = value["comment"]?.text.map { [" comment \"\($0)\""] } ?? []
        return cut(statements.map(statement).joined(separator: " ") + comment.joined())
    }

    /// A chain that hangs on a hook.
    private static func chain(_ value: JSONValue, _ hook: String) -> String {
        let place = value["prio"]?.integer.map {
            " priority " + ListedNames.priority($0, hook: hook, family: value["family"]?.text ?? "")
        }
        let devices = value["dev"].map { " device \(list($0, ", "))" } ?? ""
        let policy = value["policy"]?.text.map { " policy \($0);" } ?? ""
        return "type \(value["type"]?.text ?? "?") hook \(hook)\(devices)\(place ?? "");\(policy)"
    }

    /// What a set, a map or another object is like.
    private static func property(_ member: JSONValue.Member, of value: JSONValue) -> String {
        switch (member.name, member.value) {
        case ("type", _): "type \(list(member.value, " . "))" + (value["map"].map { " : \(list($0, " . "))" } ?? "")
        case ("timeout", .integer(let seconds)), ("gc-interval", .integer(let seconds)):
            "\(member.name) \(ListedNames.span(seconds: seconds))"
        default: "\(member.name) \(list(member.value, ","))"
        }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= longest ? text : String(text.prefix(longest)) + "…"
    }

    // MARK: - Statements

    private static func statement(_ value: JSONValue) -> String {
        guard let member = value.only else { return expression(value) }
        let body = member.value
        switch member.name {
        case "match":
            guard let left = body["left"], let right = body["right"], let sign = body["op"]?.text else { break }
            return match(left, sign, right)
        case "jump", "goto": return "\(member.name) \(body["target"]?.text ?? "?")"
        case "vmap": return "\(part(body, "key")) vmap \(part(body, "data", body["key"]))"
        case "mangle": return "\(part(body, "key")) set \(part(body, "value", body["key"]))"
        case "set", "map":
            let inner = (body["stmt"]?.listed ?? []).map { " " + statement($0) }.joined()
            let set = (body["set"] ?? body["map"])?.text ?? "?"
            return "\(body["op"]?.text ?? "add") \(set) { \(part(body, "elem"))\(inner) }"
        case "limit":
            let over = body["inv"]?.boolean == true ? "over " : ""
            let burst = body["burst"]?.integer.map { $0 == 5 ? "" : " burst \($0) packets" } ?? ""
            return "limit rate \(over)\(part(body, "rate"))/\(body["per"]?.text ?? "?")\(burst)"
        case "ct count": return "ct count \(body["inv"]?.boolean == true ? "over " : "")\(part(body, "val"))"
        case "counter": return "counter"
        case "log":
            guard let prefix = body["prefix"]?.text else { return "log" }
            return "log prefix \"\(prefix)\""
        case "reject":
            guard let type = body["type"]?.text else { return "reject" }
            let code = body["expr"].map { " " + expression($0, ListedNames(ofRefusal: type)) }
            return "reject with \(type)\(code ?? "")"
        case "dnat", "snat", "masquerade", "redirect":
            let family = body["family"]?.text.map { " \($0)" } ?? ""
            let address = body["addr"].map { " to " + expression($0) } ?? ""
            let port = body["port"].map { (address.isEmpty ? " to :" : ":") + expression($0) } ?? ""
            return member.name + family + address + port
        case "xt": return "\(part(body, "type")) of iptables `\(body["name"]?.text ?? "?")`"
        case "accept", "drop", "return", "continue", "notrack": return member.name
        default: return expression(value)
        }
        return expression(value)
    }

    /// What is asked of a field: that it is what stands right, or, with a mask, that these of its bits are.
    private static func match(_ left: JSONValue, _ sign: String, _ right: JSONValue) -> String {
        let names = ListedNames(of: left)
        var value = expression(right, names)
        if let isThere = right.boolean { value = isThere ? "exists" : "missing" }
        let isPlain = sign == "==" || sign == "in"
        guard let masked = left["&"]?.listed, masked.count == 2 else {
            return "\(expression(left)) \(isPlain ? "" : sign + " ")\(value)"
        }
        // Bits that have names are not calculated with.
        guard let names else { return "\(expression(left)) \(sign) \(value)" }
        return "\(expression(masked[0])) \(isPlain ? "" : sign + " ")\(value) / \(expression(masked[1], names))"
    }

    // MARK: - Expressions

    /// - Parameter field: whose values it is.
    private static func part(_ value: JSONValue, _ key: String, _ field: JSONValue? = nil) -> String {
        value[key].map { expression($0, field.flatMap { ListedNames(of: $0) }) } ?? "?"
    }

    private static func list(_ value: JSONValue, _ separator: String, _ names: ListedNames? = nil) -> String {
        value.listed.map { expression($0, names) }.joined(separator: separator)
    }

    /// - Parameter names: what numbers in it are called.
    private static func expression(_ value: JSONValue, _ names: ListedNames? = nil) -> String {
        switch value {
        case .string(let text): return text
        case .integer(let number): return names?[number] ?? "\(number)"
        case .array(let items):
            // An element of a map: what it leads to stands behind its key.
            if items.count == 2, let verdict = items[1].only, verdicts.contains(verdict.name) {
                return "\(expression(items[0], names)) : \(statement(items[1]))"
            }
            return items.map { expression($0, names) }.joined(separator: ",")
        default: break
        }
        guard let member = value.only else { return value.line }
        let body = member.value
        switch member.name {
        case "meta", "rt", "socket": return [member.name, body["key"]?.text].compactMap(\.self).joined(separator: " ")
        case "ct":
            return ["ct", body["dir"]?.text, body["key"]?.text].compactMap(\.self).joined(separator: " ")
        case "payload":
            guard let transport = body["protocol"]?.text else {
                return "@\(part(body, "base")),\(part(body, "offset")),\(part(body, "len"))"
            }
            return "\(transport) \(part(body, "field"))"
        case "tcp option", "ip option", "sctp chunk", "exthdr":
            return [member.name, body["name"]?.text, body["field"]?.text].compactMap(\.self).joined(separator: " ")
        case "fib":
            let flags = (body["flags"]?.listed ?? []).compactMap(\.text).joined(separator: " . ")
            return "fib \(flags) \(part(body, "result"))"
        case "concat":
            return body.listed.enumerated().map { expression($1, names?.part($0)) }.joined(separator: " . ")
        case "set": return "{ \(list(body, ", ", names)) }"
        case "range": return list(body, "-", names)
        case "prefix": return "\(part(body, "addr"))/\(part(body, "len"))"
        case "map": return "\(part(body, "key")) map \(part(body, "data"))"
        case "elem":
            let timeout = body["timeout"]?.integer.map { " timeout " + ListedNames.span(seconds: $0) } ?? ""
            let counting = ["limit", "ct count"].compactMap { name in
                body[name].map { " " + statement(.object([.init(name, $0)])) }
            }
            let comment = body["comment"]?.text.map { " comment \"\($0)\"" } ?? ""
            let unlisted = body["unlisted"]?.text.map { " (\($0))" } ?? ""
            let key = body["val"].map { expression($0, names) } ?? "?"
            return key + counting.joined() + timeout + comment + unlisted
        case "&", "|", "^", "<<", ">>": return list(body, " \(member.name) ", names)
        default: return body == .null ? member.name : "\(member.name) \(body.line)"
        }
    }

    private static let verdicts: Set<String> = ["accept", "drop", "return", "continue", "jump", "goto"]
}
