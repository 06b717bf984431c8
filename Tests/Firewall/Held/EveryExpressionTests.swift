import Firewall
import Site
import Testing

/// Every word that nft's JSON has for what a rule asks and does (libnftables-json(5)): which are understood is said here, and
/// all others, those that nobody has thought of yet among them, leave unknown what they are about.
@Suite("Every expression and statement of nft")
struct EveryExpressionTests {
    private typealias L = Listing

    /// What the reader makes of a rule.
    private enum Knowledge {
        /// It is known what the rule does.
        case understood
        /// Whether the rule goes on is not known.
        case perhaps
        /// What becomes of the packet is not known.
        case astray
        /// The packet leaves connection tracking.
        case untracked

        init(_ rule: HeldRule) {
            self = .understood
            for statement in rule.statements {
                switch statement {
                case .unknown, .verdict(.unknown):
                    self = .astray
                    return
                case .untracking: self = .untracked
                case .condition(.unknown): self = .perhaps
                case .verdictMap(_, let entries):
                    let isAstray = entries.contains { entry in
                        if case .unknown = entry.verdict { true } else { false }
                    }
                    if isAstray { self = .astray }
                case .condition, .verdict, .translation: continue
                }
            }
        }
    }

    /// What is made of rules with these statements, in a table of others; they are read in one list.
    private static func knowledge(_ rules: [String]) throws -> [Knowledge] {
        let listed = rules.map { #"{"rule":{"family":"inet","table":"t","chain":"in","handle":9,"expr":[\#($0)]}}"# }
        let document = try #require(JSONValue(parsing: L.json("", extra: listed.joined(separator: ","))))
        let held = try HeldRuleset(document, isInventoried: true)
        let chain = try #require(held.chains.first { $0.name == "in" })
        try #require(chain.rules.count >= rules.count)
        return chain.rules.prefix(rules.count).map(Knowledge.init)
    }

    /// Expects the same of each rule.
    private static func expect(_ expected: Knowledge, _ rules: [String]) throws {
        for (rule, found) in zip(rules, try knowledge(rules)) { #expect(found == expected, "\(rule)") }
    }

    // MARK: - What rules ask for

    /// What is understood, with values that it is understood with.
    private static let understood: [(left: String, right: String)] =
        [
            (meta("iifname"), #""eth0""#), (meta("oifname"), #""eth*""#), (meta("iif"), #""eth0""#),
            (meta("oif"), #""lo""#), (meta("l4proto"), #""tcp""#), (meta("nfproto"), #""ipv4""#),
            (meta("protocol"), #""ip6""#), (ct("state"), #""new""#), (payload("ip", "saddr"), #""10.0.0.1""#),
            (payload("ip", "daddr"), #""10.0.0.1""#), (payload("ip6", "saddr"), #""::1""#),
            (payload("ip6", "daddr"), #""::1""#), (payload("ip", "protocol"), #""tcp""#),
            (payload("ip6", "hoplimit"), "255"), (payload("tcp", "flags"), #""syn""#), (payload("icmp", "type"), "8"),
            (payload("icmp", "code"), "0"), (payload("icmpv6", "type"), "128"), (payload("icmpv6", "code"), "0"),
            (#"{"fib":{"result":"oif","flags":["saddr","iif"]}}"#, "false"),
            (#"{"fib":{"result":"type","flags":["saddr"]}}"#, #"{"set":["broadcast","multicast"]}"#),
        ]
        + ["tcp", "udp", "udplite", "sctp", "dccp", "th"].flatMap {
            [(payload($0, "sport"), "53"), (payload($0, "dport"), "53")]
        }

    private static let fields: [String: [String]] = [
        "ether": ["saddr", "daddr", "type"], "vlan": ["id", "pcp", "dei", "type"],
        "arp": ["operation", "htype", "saddr ip"],
        "ip": [
            "version", "hdrlength", "dscp", "ecn", "length", "id", "frag-off", "ttl", "protocol", "checksum", "saddr",
            "daddr",
        ],
        "ip6": ["version", "dscp", "ecn", "flowlabel", "length", "nexthdr", "hoplimit", "saddr", "daddr"],
        "icmp": ["type", "code", "checksum", "id", "sequence", "gateway", "mtu"],
        "icmpv6": [
            "type", "code", "checksum", "parameter-problem", "packet-too-big", "id", "sequence", "max-delay", "taddr",
            "daddr",
        ],
        "igmp": ["type", "mrt", "checksum", "group"],
        "tcp": [
            "sport", "dport", "sequence", "ackseq", "doff", "reserved", "flags", "window", "checksum", "urgptr",
        ],
        "udp": ["sport", "dport", "length", "checksum"], "udplite": ["sport", "dport", "checksum"],
        "sctp": ["sport", "dport", "vtag", "checksum"], "dccp": ["sport", "dport", "type"], "th": ["sport", "dport"],
        "ah": ["nexthdr", "hdrlength", "spi", "sequence"], "esp": ["spi", "sequence"], "comp": ["nexthdr", "cpi"],
        "gre": ["protocol", "flags"], "vxlan": ["vni", "flags"], "geneve": ["vni", "type"], "novelty": ["sport"],
    ]

    private static let metas = [
        "length", "protocol", "nfproto", "l4proto", "priority", "mark", "iif", "iifname", "iiftype", "iifkind",
        "iifgroup", "oif", "oifname", "oiftype", "oifkind", "oifgroup", "skuid", "skgid", "nftrace", "rtclassid",
        "secmark", "ibriport", "obriport", "ibrname", "obrname", "ibrpvid", "ibrvproto", "ibrhwaddr", "pkttype", "cpu",
        "cgroup", "random", "ipsec", "secpath", "sdif", "sdifname", "time", "day", "hour", "broute", "novelty",
    ]

    private static let tracked = [
        "state", "direction", "status", "mark", "expiration", "helper", "label", "l3proto", "saddr", "ip saddr",
        "ip6 daddr", "protocol", "proto-src", "proto-dst", "packets", "bytes", "avgpkt", "zone", "event", "secmark",
        "id",
        "novelty",
    ]

    private static let others = [
        #"{"payload":{"base":"th","offset":16,"len":16}}"#, #"{"payload":{"base":"nh","offset":96,"len":32}}"#,
        #"{"payload":{"tunnel":"vxlan","protocol":"tcp","field":"dport"}}"#, #"{"exthdr":{"name":"hbh"}}"#,
        #"{"exthdr":{"name":"frag","field":"more-fragments"}}"#, #"{"tcp option":{"name":"maxseg","field":"size"}}"#,
        #"{"tcp option":{"name":"timestamp"}}"#, #"{"ip option":{"name":"rr"}}"#, #"{"sctp chunk":{"name":"init"}}"#,
        #"{"dccp option":{"type":1}}"#, #"{"rt":{"key":"classid"}}"#, #"{"rt":{"key":"nexthop","family":"ip"}}"#,
        #"{"socket":{"key":"transparent"}}"#, #"{"socket":{"key":"mark"}}"#, #"{"socket":{"key":"cgroupv2"}}"#,
        #"{"osf":{"key":"name"}}"#, #"{"numgen":{"mode":"inc","mod":2,"offset":0}}"#,
        #"{"jhash":{"mod":2,"expr":\#(L.source)}}"#, #"{"symhash":{"mod":2}}"#,
        #"{"ipsec":{"key":"reqid","dir":"in","spnum":0}}"#, #"{"tunnel":{"key":"id"}}"#,
        #"{"fib":{"result":"oif","flags":["daddr"]}}"#, #"{"fib":{"result":"oif","flags":["saddr","mark","iif"]}}"#,
        #"{"fib":{"result":"oifname","flags":["saddr","iif"]}}"#, #"{"fib":{"result":"type","flags":["daddr"]}}"#,
        #"{"fib":{"result":"type","flags":["saddr","iif"]}}"#, #"{"map":{"key":\#(L.source),"data":"@m"}}"#,
        #"{"&":[\#(L.port),1]}"#, #"{"&":[\#(L.state),"new"]}"#, #"{"&":[\#(L.source),"255.0.0.0"]}"#,
        #"{"|":[\#(L.port),1]}"#, #"{"^":[\#(L.port),1]}"#, #"{"<<":[\#(L.port),1]}"#, #"{">>":[\#(L.port),1]}"#,
        #"{"ct":{"key":"state","dir":"original"}}"#, #"{"meta":{"key":"iif","novelty":1}}"#, #"{"novelty":1}"#, "7",
    ]

    private static func meta(_ key: String) -> String { #"{"meta":{"key":"\#(key)"}}"# }
    private static func ct(_ key: String) -> String { #"{"ct":{"key":"\#(key)"}}"# }
    private static func payload(_ header: String, _ field: String) -> String {
        #"{"payload":{"protocol":"\#(header)","field":"\#(field)"}}"#
    }

    @Test("what is understood is understood")
    func known() throws {
        try Self.expect(
            .understood,
            Self.understood.flatMap { left, right in ["==", "!="].map { L.match(left, $0, right) } }
        )
    }

    private static let asked: [String] =
        fields.flatMap { header, fields in fields.map { payload(header, $0) } } + metas.map(meta) + tracked.map(ct)
        + others

    @Test("of all else that a rule may ask for nothing is taken for known, whatever it is compared with")
    func unknown() throws {
        let known = Set(Self.understood.map(\.left))
        let foreign = Self.asked.filter { !known.contains($0) }
        #expect(Self.asked.count - foreign.count == known.count - 2, "all that is understood but `fib` is in the lists")
        let rights = ["1", #""1""#, #"{"set":[1,2]}"#, #"{"range":[0,5]}"#, "true", #""@s""#]
        try Self.expect(
            .perhaps,
            foreign.flatMap { left in
                rights.flatMap { right in ["==", "!=", "<", "in"].map { L.match(left, $0, right) } }
            }
        )
        let pairs = foreign.map { #"{"concat":[\#(L.port),\#($0)]}"# }
        try Self.expect(.perhaps, pairs.map { L.match($0, "==", #"{"set":[{"concat":[22,1]}]}"#) })
        try Self.expect(.perhaps, foreign.map { #"{"set":{"op":"add","elem":\#($0),"set":"@s"}}"# })
        try Self.expect(.astray, foreign.map { #"{"vmap":{"key":\#($0),"data":{"set":[[1,{"accept":null}]]}}}"# })
    }

    // MARK: - What rules do

    private static let mapped = #"{"key":\#(L.source),"data":{"set":[["10.0.0.1","one"]]}}"#

    private static let statements: [(String, Knowledge)] = [
        (#"{"accept":null}"#, .understood), (#"{"drop":null}"#, .understood), (#"{"continue":null}"#, .understood),
        (#"{"return":null}"#, .understood), (#"{"jump":{"target":"web"}}"#, .understood),
        (#"{"goto":{"target":"web"}}"#, .understood), (#"{"jump":{"target":"nowhere"}}"#, .astray),
        // An anonymous chain, as nft 1.0.6 lists it.
        (#""jump {\n\t\t\taccept\n\t\t}""#, .astray),
        (#"{"reject":null}"#, .understood), (#"{"reject":{"type":"tcp reset"}}"#, .understood),
        (#"{"reject":{"type":"novelty"}}"#, .astray), (#"{"counter":{"packets":0,"bytes":0}}"#, .understood),
        (#"{"counter":"named"}"#, .understood), (#"{"counter":{"map":\#(mapped)}}"#, .perhaps),
        (#"{"log":{"prefix":"a"}}"#, .understood), (#"{"last":null}"#, .understood),
        (#"{"secmark":"one"}"#, .understood), (#"{"secmark":{"map":\#(mapped)}}"#, .perhaps),
        (#"{"ct helper":"ftp"}"#, .understood), (#"{"ct timeout":"one"}"#, .understood),
        (#"{"ct expectation":"one"}"#, .perhaps), (#"{"ct count":{"val":5,"inv":true}}"#, .perhaps),
        (#"{"limit":{"rate":1,"burst":5,"per":"second"}}"#, .perhaps), (#"{"limit":"named"}"#, .perhaps),
        (#"{"quota":{"val":5,"val_unit":"mbytes","inv":true}}"#, .perhaps), (#"{"quota":"named"}"#, .perhaps),
        (#"{"set":{"op":"add","elem":\#(L.source),"set":"@s"}}"#, .perhaps),
        (#"{"set":{"op":"update","elem":\#(L.source),"set":"@s"}}"#, .perhaps),
        (#"{"set":{"op":"delete","elem":\#(L.source),"set":"@s"}}"#, .perhaps),
        (#"{"map":{"op":"update","elem":\#(L.source),"data":1,"map":"@m"}}"#, .perhaps),
        (#"{"meter":{"key":\#(L.source),"stmt":{"limit":{"rate":1,"per":"second"}},"size":9,"name":"m"}}"#, .perhaps),
        (#"{"vmap":{"key":\#(L.port),"data":"@changing"}}"#, .astray),
        (#"{"xt":{"type":"match","name":"recent"}}"#, .perhaps), (#"{"xt":{"type":"target","name":"CT"}}"#, .astray),
        (#"{"xt":{"type":"target","name":"REJECT"}}"#, .understood),
        (#"{"xt":{"type":"match","name":"comment"}}"#, .understood),
        (#"{"xt":{"type":"target","name":"comment"}}"#, .astray),
        (#"{"xt":{"type":"watcher","name":"LOG"}}"#, .astray),
        (#"{"xt":null}"#, .astray), (#"{"notrack":null}"#, .untracked), (#"{"queue":{"num":1}}"#, .astray),
        (#"{"queue":{"num":1,"flags":["bypass"]}}"#, .astray), (#"{"dup":{"addr":"10.0.0.1","dev":"eth0"}}"#, .astray),
        (#"{"fwd":{"dev":"eth1"}}"#, .astray), (#"{"flow":{"op":"add","flowtable":"@f"}}"#, .astray),
        (#"{"tproxy":{"port":80}}"#, .astray), (#"{"synproxy":{"mss":1460,"wscale":7}}"#, .astray),
        (#"{"synproxy":"named"}"#, .astray), (#"{"tunnel":"named"}"#, .astray),
        (#"{"reset":{"tcp option":{"name":"sack-perm"}}}"#, .astray), (#"{"novelty":{}}"#, .astray),
        (#""novelty""#, .astray), ("7", .astray), ("[]", .astray),
    ]

    @Test("statements")
    func actions() throws {
        for (statement, found) in zip(Self.statements, try Self.knowledge(Self.statements.map(\.0))) {
            #expect(found == statement.1, "\(statement.0)")
        }
    }

    /// What may be set so that no rule here sees it; the rest leaves unknown what comes of the packet.
    private static let settable: Set<String> = [
        meta("mark"), meta("priority"), meta("nftrace"), ct("mark"), ct("label"), ct("event"), ct("secmark"),
        ct("zone"),
        payload("ip", "dscp"), payload("ip", "ecn"), payload("ip6", "dscp"), payload("ip6", "ecn"),
    ]

    @Test("what may be set and what may not")
    func changes() throws {
        #expect(Self.settable.isSubset(of: Self.asked))
        func set(_ keys: [String]) -> [String] { keys.map { #"{"mangle":{"key":\#($0),"value":5}}"# } }
        try Self.expect(.understood, set(Self.settable.sorted()))
        try Self.expect(.astray, set(Self.asked.filter { !Self.settable.contains($0) }))
    }
}
