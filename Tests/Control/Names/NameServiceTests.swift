import Control
import Foundation
import Glibc
import Site
import Testing

/// The built helper, in its sandbox, against a name server of the test's.
@Suite("DNS names by the outbound helper")
struct NameServiceTests {
    private static let name = "app.test"
    private var name: String { Self.name }

    @Test("A before AAAA, AAAA where there is no A, and again when the TTL is over")
    func addresses() throws {
        let server = try TestNameServer { [$0.reply(v4: ["192.0.2.1"], v6: ["2001:db8:0:0:0:0:0:1"], ttl: 1)] }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "192.0.2.1", "\(names.log)")
        server.answer { [$0.reply(v4: ["192.0.2.2"], ttl: 1)] }
        #expect(eventually { names.address(of: name) == "192.0.2.2" })
        server.answer { [$0.reply(v6: ["2001:db8:0:0:0:0:0:2"], ttl: 3600)] }
        #expect(eventually { names.address(of: name) == "2001:db8::2" })
        #expect(names.log.contains("app.test is at 192.0.2.2, no longer 192.0.2.1"), "\(names.log)")
        #expect(server.queries.allSatisfy { $0.name == "app.test" }, "names are asked for as they stand")
    }

    @Test("a name that does not exist, and one without an address, say so and are asked for again")
    func missing() throws {
        let server = try TestNameServer { [$0.reply(code: $0.name == "gone.test" ? 3 : 0)] }
        let names = try Names()
        try names.want("gone.test", "empty.test", from: server)
        names.service.settle(within: 60_000)
        #expect(names.problem(of: "gone.test")?.contains("NXDOMAIN") == true)
        #expect(names.problem(of: "empty.test") == "the name has no address")
        server.answer { [$0.reply(v4: ["192.0.2.1"])] }
        #expect(eventually { names.address(of: "gone.test") != nil && names.address(of: "empty.test") != nil })
        #expect(names.problem(of: "gone.test") == nil)
    }

    @Test("while name servers fail or say that the name is gone, the address stays", arguments: [UInt8(2), 3, 4, 5])
    func failing(code: UInt8) throws {
        let server = try TestNameServer { [$0.reply(v4: ["192.0.2.1"], ttl: 1)] }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        server.answer { [$0.reply(code: code)] }
        #expect(eventually { names.problem(of: name) != nil })
        #expect(names.address(of: name) == "192.0.2.1")
        #expect(names.log.last?.contains("it stays at 192.0.2.1") == true, "\(names.log)")
        server.answer { [$0.reply(v4: ["192.0.2.9"], ttl: 1)] }
        #expect(eventually { names.address(of: name) == "192.0.2.9" && names.problem(of: name) == nil })
    }

    @Test("a family that fails does not take the other one's address away")
    func halves() throws {
        let server = try TestNameServer { [$0.isA ? $0.reply(v4: ["192.0.2.1"]) : $0.reply(code: 2)] }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "192.0.2.1" && names.problem(of: name) == nil)
    }

    @Test("a truncated answer is asked for again over TCP, where it may be long")
    func truncated() throws {
        let server = try TestNameServer { query in
            guard query.isTCP else { return [query.reply(isTruncated: true)] }
            let all = (0..<2000).map { "10.\($0 / 250).\($0 % 250).7" }
            return [query.isA ? query.reply(v4: all) : query.reply()]
        }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "10.0.0.7", "\(names.log)")
        #expect(server.queries.contains { $0.isTCP } && server.queries.contains { !$0.isTCP })
    }

    @Test("an answer with another id, or to another question, is not believed")
    func forged() throws {
        let server = try TestNameServer { query in
            let other = query.question.map { $0 == UInt8(ascii: "p") ? UInt8(ascii: "q") : $0 }
            let forged = DNSQuery([UInt8](query.reply().prefix(12)) + other, isTCP: false)
            return [
                query.reply([.a(query.name, 300, "203.0.113.66")], id: query.id &+ 1),
                forged?.reply([.a("aqq.test", 300, "203.0.113.66")], id: query.id) ?? [],
                query.reply(v4: ["192.0.2.1"]),
            ]
        }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "192.0.2.1", "\(names.log)")
    }

    @Test("aliases are followed within the answer, with the shortest TTL; a loop of them has no address")
    func aliases() throws {
        let server = try TestNameServer { query in
            guard query.name != "loop.test" else {
                return [query.reply([.cname("loop.test", 300, "b.test"), .cname("b.test", 300, "loop.test")])]
            }
            let aliases: [DNSRecord] = [.cname(query.name, 1, "b.test"), .cname("b.test", 300, "c.test")]
            return [query.reply(aliases + (query.isA ? [.a("c.test", 300, "192.0.2.1")] : []))]
        }
        let names = try Names()
        try names.want(name, "loop.test", from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "192.0.2.1", "\(names.log)")
        #expect(names.address(of: "loop.test") == nil && names.problem(of: "loop.test") != nil)
        let asked = server.queries.count { $0.name == name }
        #expect(eventually { server.queries.count { $0.name == name } > asked }, "the alias lives for a second")
    }

    @Test("whatever bytes come, the helper lives, and believes the right answer afterwards")
    func garbage() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        let server = try TestNameServer { query in
            var random = SplitMix(seed ^ UInt64(query.id) ^ UInt64(query.type))
            let records: [DNSRecord] = [.cname(query.name, 300, "b.test"), .a("b.test", 300, "192.0.2.1")]
            return (0..<20).map { _ in
                var bytes = query.reply(records)
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                return Array(bytes.prefix(Int.random(in: 2...bytes.count, using: &random)))
            }
        }
        let names = try Names()
        let all = (0..<NameTable.mostOpen).map { "n\($0).test" }
        try names.service.want(Set(all), askedOf: [server.server])
        #expect(eventually { Set(server.queries.map(\.name)).isSuperset(of: all) })
        let process = try #require(names.helperProcess)
        // Another name server, so that all are asked again at once: some of the bytes made an answer that is well
        // formed and lives for long, and other names pause after failures.
        let right = try TestNameServer { [$0.reply(v4: ["192.0.2.7"], ttl: 1)] }
        try names.service.want(Set(all), askedOf: [right.server])
        #expect(eventually { all.allSatisfy { names.address(of: $0) == "192.0.2.7" } }, "\(names.log.suffix(5))")
        #expect(names.helperProcess == process, "\(names.log)")
    }

    @Test("/etc/hosts goes before name servers, and is read again")
    func hosts() throws {
        let server = try TestNameServer { [$0.reply(v4: ["192.0.2.1"], ttl: 1)] }
        let names = try Names(hosts: "# hosts\n10.0.0.1 other APP.test # us\n")
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "10.0.0.1")
        #expect(server.queries.isEmpty && names.helperProcess == nil, "no helper is needed for that")
        try names.write(hosts: "10.0.0.1 other\n")
        #expect(eventually { names.address(of: name) == "192.0.2.1" })
    }

    @Test("many names are asked for together, and none is forgotten")
    func many() throws {
        let server = try TestNameServer { query in
            let number = Int(query.name.dropFirst().prefix { $0.isNumber }) ?? 0
            return [query.reply(v4: ["10.0.\(number / 250).\(number % 250)"])]
        }
        let names = try Names()
        let all = (0..<500).map { "n\($0).test" }
        try names.service.want(Set(all), askedOf: [server.server])
        names.service.settle(within: 60_000)
        let standings = names.service.take()
        #expect(all.enumerated().allSatisfy { standings[$1]?.address?.description == "10.0.\($0 / 250).\($0 % 250)" })
    }

    @Test("a helper that dies is started again; what was known stays")
    func killed() throws {
        let server = try TestNameServer { [$0.reply(v4: ["192.0.2.1"], ttl: 1)] }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        for round in 0..<3 {
            let process = try #require(names.helperProcess)
            kill(process, SIGKILL)
            server.answer { [$0.reply(v4: ["192.0.2.\(round + 10)"], ttl: 1)] }
            #expect(names.address(of: name) != nil)
            #expect(eventually { names.address(of: name) == "192.0.2.\(round + 10)" }, "\(names.log)")
            #expect(names.helperProcess != process)
        }
    }

    @Test("a helper that does not read or answer is replaced, one that is not there is named")
    func stuckAndMissing() throws {
        let names = try Names(helper: "/nonexistent/gatehouse-outbound")
        try names.want(name)
        names.service.settle(within: 60_000)
        #expect(names.problem(of: name)?.contains("/nonexistent/gatehouse-outbound cannot be started") == true)
        let other = try Names(helper: "/bin/false")
        try other.want(name)
        other.service.settle(within: 60_000)
        #expect(other.problem(of: name)?.contains("gatehouse-outbound ended with status 1") == true, "\(other.log)")
    }

    @Test("it has no privileges, no files and few system calls")
    func sandbox() throws {
        let server = try TestNameServer { [$0.reply(v4: ["192.0.2.1"])] }
        let names = try Names()
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        let process = try #require(names.helperProcess)
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        #expect(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "\(status)")
        #expect(status.contains("CapEff:\t0000000000000000") && status.contains("CapPrm:\t0000000000000000"))
        if geteuid() == 0 { #expect(!status.contains("Uid:\t0")) }
        names.service.stop()
        #expect(eventually { !Names.isHelper(process) })
    }

    @Test("names that are wanted no more are asked for no more, and the helper goes with the last")
    func wishes() throws {
        let server = try TestNameServer { [$0.reply(v4: ["192.0.2.1"], ttl: 1)] }
        let names = try Names()
        try names.want(name, "b.test", from: server)
        names.service.settle(within: 60_000)
        let process = try #require(names.helperProcess)
        try names.want("b.test", from: server)
        #expect(eventually { names.service.take().keys.sorted() == ["b.test"] })
        try names.want()
        #expect(eventually { names.service.take().isEmpty && !Names.isHelper(process) })
        try names.want(name, from: server)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "192.0.2.1")
    }

    @Test("other name servers take effect at once, from the site file or resolv.conf")
    func servers() throws {
        let one = try TestNameServer { [$0.reply(v4: ["192.0.2.1"])] }
        let other = try TestNameServer { [$0.reply(v4: ["192.0.2.2"])] }
        let names = try Names()
        try names.want(name, from: one)
        names.service.settle(within: 60_000)
        #expect(names.address(of: name) == "192.0.2.1")
        try names.want(name, from: other)
        #expect(eventually { names.address(of: name) == "192.0.2.2" })
    }
}

/// Random numbers from a seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
