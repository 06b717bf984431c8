import Site
import Testing

@testable import Firewall

/// What libnftables lists in numbers, and what nft 1.0.6 prints of the same.
@Suite("Rules as nft writes them")
struct ListedTextTests {
    private static func text(_ json: String) throws -> String {
        ListedText.ofObject(try #require(JSONValue(parsing: json), "\(json)"))
    }

    private static let flags = #"{"payload":{"protocol":"tcp","field":"flags"}}"#
    private static let state = #"{"ct":{"key":"state"}}"#

    @Test(
        "what has a name stands by it",
        arguments: [
            (
                #"{"match":{"op":"==","left":{"&":[\#(flags),[1,2,4,16]]},"right":2}}"#,
                "tcp flags syn / fin,syn,rst,ack"
            ),
            (#"{"match":{"op":"==","left":{"&":[\#(flags),[1,2]]},"right":[1,2]}}"#, "tcp flags fin,syn / fin,syn"),
            (#"{"match":{"op":"!=","left":{"&":[\#(flags),[1,2]]},"right":2}}"#, "tcp flags != syn / fin,syn"),
            (#"{"match":{"op":"in","left":\#(flags),"right":[1,2]}}"#, "tcp flags fin,syn"),
            (
                #"{"match":{"op":"==","left":\#(flags),"right":{"set":[{"|":[{"|":[1,2]},4]},2]}}}"#,
                "tcp flags { fin | syn | rst, syn }"
            ),
            (#"{"match":{"op":"in","left":\#(state),"right":[2,4]}}"#, "ct state established,related"),
            (#"{"match":{"op":"in","left":\#(state),"right":8}}"#, "ct state new"),
            (#"{"match":{"op":"!=","left":\#(state),"right":8}}"#, "ct state != new"),
            (#"{"match":{"op":"==","left":\#(state),"right":{"set":[8,64]}}}"#, "ct state { new, untracked }"),
            (
                #"{"vmap":{"key":\#(state),"data":{"set":[[1,{"drop":null}],[8,{"accept":null}]]}}}"#,
                "ct state vmap { invalid : drop, new : accept }"
            ),
            (#"{"match":{"op":"!","left":{"ct":{"key":"status"}},"right":8}}"#, "ct status ! confirmed"),
            (#"{"match":{"op":"in","left":{"ct":{"key":"status"}},"right":32}}"#, "ct status dnat"),
            (
                #"{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":{"set":[6,17,47,112,253]}}}"#,
                "meta l4proto { tcp, udp, gre, vrrp, 253 }"
            ),
            (#"{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":58}}"#, "meta l4proto ipv6-icmp"),
            (#"{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":"@s"}}"#, "meta l4proto @s"),
            (#"{"match":{"op":"==","left":{"meta":{"key":"nfproto"}},"right":2}}"#, "meta nfproto ipv4"),
            (
                #"{"match":{"op":"==","left":{"payload":{"protocol":"icmpv6","field":"type"}},"right":{"range":[133,136]}}}"#,
                "icmpv6 type nd-router-solicit-nd-neighbor-advert"
            ),
            (
                #"{"match":{"op":"==","left":{"payload":{"protocol":"icmp","field":"type"}},"right":8}}"#,
                "icmp type echo-request"
            ),
            (
                #"{"match":{"op":"==","left":{"fib":{"result":"type","flags":["saddr"]}},"right":{"set":[3,5]}}}"#,
                "fib saddr type { broadcast, multicast }"
            ),
            (
                #"{"match":{"op":"==","left":{"fib":{"result":"oif","flags":["saddr","iif"]}},"right":false}}"#,
                "fib saddr . iif oif missing"
            ),
            (
                #"{"match":{"op":"==","left":{"&":[{"meta":{"key":"mark"}},255]},"right":1}}"#,
                "meta mark & 255 == 1"
            ),
            (#"{"reject":{"type":"icmp","expr":3}}"#, "reject with icmp port-unreachable"),
            (#"{"reject":{"type":"icmpx","expr":3}}"#, "reject with icmpx admin-prohibited"),
            (#"{"reject":{"type":"tcp reset"}}"#, "reject with tcp reset"),
            (#"{"limit":{"rate":5,"burst":5,"per":"minute","inv":true}}"#, "limit rate over 5/minute"),
            (#"{"limit":{"rate":10,"burst":50,"per":"second"}}"#, "limit rate 10/second burst 50 packets"),
        ]
    )
    func statements(json: String, text: String) throws {
        let rule = #"{"expr":[\#(json),{"accept":null}],"comment":"it"}"#
        #expect(try Self.text(rule) == "\(text) accept comment \"it\"")
    }

    @Test(
        "a chain says its place by name",
        arguments: [
            (
                #""type":"filter","hook":"input","prio":0,"policy":"drop""#,
                "filter hook input priority filter; policy drop;"
            ),
            (
                #""type":"nat","hook":"prerouting","prio":-100,"policy":"accept""#,
                "nat hook prerouting priority dstnat; policy accept;"
            ),
            (#""type":"nat","hook":"postrouting","prio":101"#, "nat hook postrouting priority srcnat + 1;"),
            (#""type":"filter","hook":"prerouting","prio":-305"#, "filter hook prerouting priority raw - 5;"),
            (#""type":"filter","hook":"forward","prio":100"#, "filter hook forward priority 100;"),
            (
                #""type":"filter","hook":"ingress","prio":0,"dev":["eth0","eth1"]"#,
                "filter hook ingress device eth0, eth1 priority filter;"
            ),
        ]
    )
    func chains(json: String, text: String) throws {
        #expect(try Self.text(#"{"family":"inet","table":"t","name":"c",\#(json)}"#) == "type \(text)")
    }

    @Test("a set says its type, and its elements are called as their type has it")
    func sets() throws {
        let set =
            #"{"family":"inet","name":"s","table":"t","type":["inet_proto","inet_service"],"map":"verdict","timeout":93600}"#
        #expect(try Self.text(set) == "type inet_proto . inet_service : verdict; timeout 1d2h")
        let type = try #require(JSONValue(parsing: set)?["type"])
        func element(_ json: String, _ type: JSONValue?) throws -> String {
            ListedText.of(try #require(JSONValue(parsing: json)), type: type)
        }
        #expect(try element(#"[{"concat":[17,53]},{"drop":null}]"#, type) == "udp . 53 : drop")
        #expect(try element(#"{"elem":{"val":{"concat":[6,22]},"timeout":60}}"#, type) == "tcp . 22 timeout 1m")
        #expect(try element("6", .string("inet_service")) == "6" && element("8", .string("ct_state")) == "new")
    }
}
