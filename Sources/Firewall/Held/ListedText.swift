import Site

/// What libnftables lists as JSON, as nft writes it: for people, who know rules by that. What is not known here stands
/// with its word and its JSON. Nothing is decided by it.
struct ListedText {
    private static let longest = 300

    /// A statement, a condition, or an element.
    static func of(_ value: JSONValue) -> String { cut(statement(value)) }

    /// A rule with its comment, or what there is of a chain, a set, a map or another object.
    static func ofObject(_ value: JSONValue) -> String {
        guard let statements = value["expr"]?.items else {
            guard case .object(let members) = value else { return of(value) }
            let parts = members.filter { !["family", "table", "name", "chain"].contains($0.name) }
            return cut(parts.map { "\($0.name) \(list($0.value, ","))" }.joined(separator: " "))
        }
        let comment = value["comment"]?.text.map { [" comment \"\($0)\""] } ?? []
        return cut(statements.map(statement).joined(separator: " ") + comment.joined())
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
            let isPlain = sign == "==" || sign == "in"
            return "\(expression(left)) \(isPlain ? "" : sign + " ")\(expression(right))"
        case "jump", "goto": return "\(member.name) \(body["target"]?.text ?? "?")"
        case "vmap": return "\(part(body, "key")) vmap \(part(body, "data"))"
        case "mangle": return "\(part(body, "key")) set \(part(body, "value"))"
        case "set", "map":
            let inner = (body["stmt"]?.listed ?? []).map { " " + statement($0) }.joined()
            let set = (body["set"] ?? body["map"])?.text ?? "?"
            return "\(body["op"]?.text ?? "add") \(set) { \(part(body, "elem"))\(inner) }"
        case "limit":
            let over = body["inv"]?.boolean == true ? "over " : ""
            let burst = body["burst"]?.integer.map { " burst \($0) packets" } ?? ""
            return "limit rate \(over)\(part(body, "rate"))/\(body["per"]?.text ?? "?")\(burst)"
        case "ct count": return "ct count \(body["inv"]?.boolean == true ? "over " : "")\(part(body, "val"))"
        case "counter": return "counter"
        case "log":
            guard let prefix = body["prefix"]?.text else { return "log" }
            return "log prefix \"\(prefix)\""
        case "reject":
            guard let type = body["type"]?.text else { return "reject" }
            return "reject with \(type)" + (body["expr"].map { " " + expression($0) } ?? "")
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

    // MARK: - Expressions

    private static func part(_ value: JSONValue, _ key: String) -> String { value[key].map(expression) ?? "?" }

    private static func list(_ value: JSONValue, _ separator: String) -> String {
        value.listed.map(expression).joined(separator: separator)
    }

    private static func expression(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): return text
        case .array(let items):
            // An element of a map: what it leads to stands behind its key.
            if items.count == 2, let verdict = items[1].only, verdicts.contains(verdict.name) {
                return "\(expression(items[0])) : \(statement(items[1]))"
            }
            return items.map(expression).joined(separator: ",")
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
        case "concat": return body.listed.map(expression).joined(separator: " . ")
        case "set": return "{ \(body.listed.map(expression).joined(separator: ", ")) }"
        case "range": return body.listed.map(expression).joined(separator: "-")
        case "prefix": return "\(part(body, "addr"))/\(part(body, "len"))"
        case "map": return "\(part(body, "key")) map \(part(body, "data"))"
        case "elem":
            let timeout = body["timeout"]?.integer.map { " timeout \($0)s" } ?? ""
            let counting = ["limit", "ct count"].compactMap { name in
                body[name].map { " " + statement(.object([.init(name, $0)])) }
            }
            let comment = body["comment"]?.text.map { " comment \"\($0)\"" } ?? ""
            return part(body, "val") + counting.joined() + timeout + comment
        case "&", "|", "^", "<<", ">>": return body.listed.map(expression).joined(separator: " \(member.name) ")
        default: return body == .null ? member.name : "\(member.name) \(body.line)"
        }
    }

    private static let verdicts: Set<String> = ["accept", "drop", "return", "continue", "jump", "goto"]
}
