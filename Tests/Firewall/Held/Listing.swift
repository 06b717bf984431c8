import Firewall
import Site
import Testing

/// What `nft -j list ruleset` would write, for a chain of one rule.
enum Listing {
    /// One input chain that drops what no rule accepts, with one rule, and a chain `web` that accepts.
    static func json(_ conditions: String, verdict: String = #"{"accept":null}"#, extra: String = "") -> String {
        let names = #""family":"inet","table":"t""#
        let rule = [conditions, verdict].filter { !$0.isEmpty }.joined(separator: ",")
        return """
            {"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"inet","name":"t","handle":1}},
            \(extra.isEmpty ? "" : extra + ",")
            {"chain":{\(names),"name":"in","handle":1,"type":"filter","hook":"input","prio":0,"policy":"drop"}},
            {"chain":{\(names),"name":"web","handle":2}},
            {"rule":{\(names),"chain":"in","handle":3,"comment":"ssh line 4","expr":[\(rule)]}},
            {"rule":{\(names),"chain":"web","handle":4,"expr":[{"accept":null}]}}]}
            """
    }

    static func match(_ left: String, _ operation: String, _ right: String) -> String {
        #"{"match":{"op":"\#(operation)","left":\#(left),"right":\#(right)}}"#
    }

    static let port = #"{"payload":{"protocol":"tcp","field":"dport"}}"#
    static let source = #"{"payload":{"protocol":"ip","field":"saddr"}}"#
    static let flags = #"{"payload":{"protocol":"tcp","field":"flags"}}"#
    static let state = #"{"ct":{"key":"state"}}"#

    /// Both ways of asking, which must agree.
    ///
    /// - Parameter isInventoried: whether the kernel was asked, too, what the rules are made of.
    static func outcomes(_ listing: String, _ packet: Packet, isInventoried: Bool = false) throws -> Outcomes {
        let document = try #require(JSONValue(parsing: listing))
        let held = try HeldRuleset(document, isInventoried: isInventoried)
        let store = DiagramStore()
        var space = HeldSpace(held, in: store)
        let found = store.value(try space.outcomes(packet.path), at: Coordinates(packet))
        let walked = HeldEvaluator(held).outcomes(packet)
        #expect(found == walked.rawValue, "the packet space says \(found), the walk \(walked)")
        return walked
    }
}
