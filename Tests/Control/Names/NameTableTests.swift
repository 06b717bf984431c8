import Control
import Outbound
import Site
import Testing

/// What is known of names, and when they are asked for again, without a clock or a process.
@Suite("The table of names")
struct NameTableTests {
    private let none = HostsFile("")

    private func v4(_ last: UInt8...) -> [[UInt8]] { last.map { [192, 0, 2, $0] } }

    private func answer(_ addresses: [[UInt8]], ttl: UInt32 = 300, v6: [[UInt8]] = []) -> NameAnswer {
        NameAnswer(
            v4: addresses.isEmpty ? .none(exists: true) : .addresses(addresses, ttl: ttl),
            v6: v6.isEmpty ? .none(exists: true) : .addresses(v6, ttl: ttl)
        )
    }

    private var failure: NameAnswer { NameAnswer(v4: .failed(.timedOut), v6: .failed(.timedOut)) }

    /// A table that wants one name, which has been answered at 0.
    private func table(_ first: NameAnswer) throws -> NameTable {
        var table = NameTable()
        table.want(["a.test"], now: 0)
        try give(first, to: &table, now: 0)
        return table
    }

    private func give(_ answer: NameAnswer, to table: inout NameTable, now: UInt64) throws {
        let question = try #require(table.questions(now: now, hosts: none).first)
        table.answer(question.number, answer, now: now)
    }

    private func address(_ table: NameTable) -> String? { table.standings["a.test"]?.address.map { "\($0)" } }

    @Test(
        "asked again when the TTL is over, within bounds",
        arguments: [
            (UInt32(0), UInt64(1_000)), (1, 1_000), (30, 30_000), (3_600, 3_600_000), (.max, 3_600_000),
        ]
    )
    func lives(ttl: UInt32, due: UInt64) throws {
        var table = try table(answer(v4(1), ttl: ttl))
        #expect(table.isSettled && table.nextDue == due)
        #expect(table.questions(now: due - 1, hosts: none).isEmpty)
        #expect(table.questions(now: due, hosts: none).count == 1)
        #expect(table.nextDue == nil && table.deadline == due + NameTable.patience)
    }

    @Test("an address that was in force before the table holds until there is an answer, and nobody waits for it")
    func known() throws {
        var table = NameTable()
        let before = try #require(IPAddress("192.0.2.9"))
        table.want(["a.test", "b.test"], known: ["a.test": before, "c.test": before], now: 0)
        #expect(address(table) == "192.0.2.9" && table.standings.count == 2)
        #expect(!table.isSettled, "b.test is new")
        table.want(["a.test"], known: [:], now: 0)
        #expect(table.isSettled)
        try give(failure, to: &table, now: 0)
        #expect(address(table) == "192.0.2.9")
        try give(answer(v4(1)), to: &table, now: 1_000)
        #expect(address(table) == "192.0.2.1")
        // What the table knows itself is newer.
        table.want(["a.test"], known: ["a.test": before], now: 2_000)
        #expect(address(table) == "192.0.2.1")
    }

    @Test("the address in force stays while the answers hold it, in whatever order")
    func stable() throws {
        var table = try table(answer(v4(1, 2, 3)))
        #expect(address(table) == "192.0.2.1")
        try give(answer(v4(3, 2, 1)), to: &table, now: 300_000)
        #expect(address(table) == "192.0.2.1")
        try give(answer(v4(3, 2)), to: &table, now: 600_000)
        #expect(address(table) == "192.0.2.3")
        let six = [UInt8](repeating: 0x20, count: 16)
        try give(answer(v4(4), v6: [six]), to: &table, now: 900_000)
        #expect(address(table) == "192.0.2.4")
        try give(answer([], v6: [six]), to: &table, now: 1_200_000)
        #expect(address(table)?.hasPrefix("2020:") == true)
        try give(answer(v4(4), v6: [six]), to: &table, now: 1_500_000)
        #expect(address(table)?.hasPrefix("2020:") == true, "the one in force is still there")
    }

    @Test("after failures the old address stays, and the pauses grow to a minute")
    func failures() throws {
        var table = try table(answer(v4(1), ttl: 1))
        var now: UInt64 = 1_000
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            try give(failure, to: &table, now: now)
            #expect(address(table) == "192.0.2.1")
            #expect(table.standings["a.test"]?.problem == LookupFailure.timedOut.phrase)
            now += UInt64(pause) * 1_000
            #expect(table.nextDue == now)
        }
        try give(answer(v4(1), ttl: 1), to: &table, now: now)
        #expect(table.standings["a.test"]?.problem == nil)
        try give(failure, to: &table, now: now + 1_000)
        #expect(table.nextDue == now + 2_000, "the next failure is the first again")
    }

    @Test("half a failure keeps that half's old addresses")
    func halves() throws {
        let six = [UInt8](repeating: 0x20, count: 16)
        var table = try table(answer([], v6: [six]))
        try give(
            NameAnswer(v4: .addresses(v4(1), ttl: 300), v6: .failed(.serverFailed)),
            to: &table,
            now: 300_000
        )
        #expect(address(table)?.hasPrefix("2020:") == true)
        try give(NameAnswer(v4: .addresses(v4(1), ttl: 300), v6: .none(exists: true)), to: &table, now: 600_000)
        #expect(address(table) == "192.0.2.1")
    }

    @Test(
        "what is no address of a server is not taken, nor what is not asked for",
        arguments: [
            [0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255], [240, 1, 1, 1], [], [1, 2, 3],
            [UInt8](repeating: 0, count: 16),
            [UInt8](repeating: 255, count: 16), [254, 128] + [UInt8](repeating: 1, count: 14),
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1], [UInt8](repeating: 1, count: 17),
        ]
    )
    func hostile(bytes: [UInt8]) throws {
        var table = try table(NameAnswer(v4: .addresses([bytes], ttl: 1), v6: .addresses([bytes], ttl: 1)))
        #expect(address(table) == nil && table.standings["a.test"]?.problem != nil)
        table.answer(7, answer(v4(1)), now: 0)
        #expect(address(table) == nil)
        try give(
            NameAnswer(v4: .addresses([bytes] + v4(1), ttl: 1), v6: .addresses([], ttl: 1)),
            to: &table,
            now: 9_000
        )
        #expect(address(table) == "192.0.2.1")
    }

    @Test("no more than a few questions are open; each name gets its turn")
    func turns() {
        var table = NameTable()
        table.want(Set((0..<100).map { "n\($0).test" }), now: 0)
        var seen: Set<String> = []
        while !table.isSettled {
            let questions = table.questions(now: 0, hosts: none)
            #expect((1...NameTable.mostOpen).contains(questions.count))
            #expect(table.questions(now: 0, hosts: none).isEmpty)
            for question in questions {
                seen.insert(question.name)
                table.answer(question.number, answer(v4(1)), now: 0)
            }
        }
        #expect(seen.count == 100)
    }

    @Test("a lost helper fails what is open; other servers ask all anew")
    func lost() throws {
        var table = NameTable()
        table.want(["a.test"], now: 0)
        let question = try #require(table.questions(now: 0, hosts: none).first)
        table.lose("gone", now: 10)
        #expect(table.standings["a.test"]?.problem == "gone" && table.nextDue == 1_010)
        table.answer(question.number, answer(v4(1)), now: 20)
        #expect(address(table) == nil, "the answer of the helper that is gone")
        table.refresh(now: 30)
        #expect(table.nextDue == 30)
        #expect(table.questions(now: 30, hosts: none, mayAsk: false).isEmpty)
        #expect(table.questions(now: 30, hosts: HostsFile("0.0.0.0 a.test"), mayAsk: false).isEmpty)
        #expect(address(table) == nil, "blocked in hosts is no address")
        #expect(table.questions(now: 30, hosts: HostsFile("192.0.2.5 a.test"), mayAsk: false).isEmpty)
        #expect(address(table) == "192.0.2.5")
    }
}
