import Certificates
import Site
import Testing

@Suite("A look at the DNS before an order")
struct PreflightTests {
    /// A DNS of a test's own.
    private final class Zone: NameLookup {
        var caa: [String: [CAARecord]] = [:]
        var hosts: [String: [IPAddress]] = [:]
        /// Names for which no name server has an answer.
        var silent: Set<String> = []

        func addresses(of names: [String]) -> [String: [IPAddress]] { answers(names, hosts) }
        func restrictions(at names: [String]) -> [String: [CAARecord]] { answers(names, caa) }

        private func answers<T>(_ names: [String], _ known: [String: [T]]) -> [String: [T]] {
            Dictionary(uniqueKeysWithValues: names.filter { !silent.contains($0) }.map { ($0, known[$0] ?? []) })
        }
    }

    private static let account = "https://ca.test/acct/1"

    private func refusal(of name: String, _ records: [String: [CAARecord]], silent: Set<String> = []) -> String? {
        let zone = Zone()
        (zone.caa, zone.silent) = (records, silent)
        let policy = CAAPolicy(identities: ["CA.test", "ca.example"], account: Self.account, methods: ["http-01"])
        let preflight = Preflight(of: [name], policy, isReached: false, own: [], zone)
        #expect(preflight.refusals.allSatisfy { !$0.name.hasPrefix("*") })
        #expect((preflight.problem == nil) == preflight.refusals.isEmpty)
        return preflight.refusals.first?.why
    }

    private func issue(_ values: String..., tag: String = "issue") -> [CAARecord] {
        values.map { CAARecord(tag: tag, value: $0) }
    }

    @Test("what permits the CA: no records, its own name in any spelling, the nearest records alone")
    func permits() {
        let good: [[String: [CAARecord]]] = [
            [:], ["foobar.test": []], ["foobar.test": issue("ca.test")], ["foobar.test": issue(" CA.Test ")],
            ["foobar.test": issue("other.test", "ca.example")], ["test": issue("ca.test")],
            ["www.foobar.test": issue("ca.test"), "foobar.test": issue(";")],
            ["foobar.test": [CAARecord(tag: "iodef", value: "mailto:a@foobar.test")]],
            // Of no meaning for a name without a wildcard.
            ["foobar.test": issue(";", tag: "issuewild")],
            ["foobar.test": issue("ca.test; validationmethods=dns-01,http-01")],
            ["foobar.test": issue("ca.test; accounturi=\(Self.account)")],
            ["foobar.test": issue("ca.test; accounturi=https://ca.test/acct/2", "ca.test")],
            ["foobar.test": [CAARecord(isCritical: true, tag: "ISSUE", value: "ca.test")]],
        ]
        for records in good { #expect(refusal(of: "www.foobar.test", records) == nil, "\(records)") }
    }

    @Test("what does not, and what to do about it")
    func refuses() throws {
        let bad: [(name: String, records: [String: [CAARecord]], says: [String])] = [
            (
                "www.foobar.test", ["foobar.test": issue("other.test")],
                ["only other.test", "`foobar.test. CAA 0 issue \"ca.test\"`"]
            ),
            ("www.foobar.test", ["foobar.test": issue(";")], ["nobody"]),
            ("foobar.test", ["test": issue("")], ["nobody"]),
            ("foobar.test", ["foobar.test": issue("ca.test; x")], ["nobody"]),
            (
                "*.foobar.test", ["foobar.test": issue("ca.test") + issue(";", tag: "issuewild")],
                ["issuewild", "nobody"]
            ),
            ("*.foobar.test", ["foobar.test": issue("other.test")], ["only other.test"]),
            (
                "foobar.test", ["foobar.test": issue("ca.test; validationmethods=dns-01")],
                ["validationmethods=dns-01", "asked by http-01"]
            ),
            (
                "foobar.test", ["foobar.test": issue("ca.test; accounturi=https://ca.test/acct/2")],
                ["the account \(Self.account)"]
            ),
            (
                "foobar.test", ["foobar.test": [CAARecord(isCritical: true, tag: "tbs", value: "x")]],
                ["critical tag tbs"]
            ),
        ]
        for fault in bad {
            let said = try #require(refusal(of: fault.name, fault.records), "\(fault)")
            for words in fault.says { #expect(said.contains(words), "no \(words) in \(said)") }
        }
    }

    @Test("without an answer nothing is known, and nothing refused")
    func silence() {
        #expect(refusal(of: "www.foobar.test", ["test": issue(";")], silent: ["foobar.test"]) == nil)
        #expect(refusal(of: "www.foobar.test", ["foobar.test": issue(";")], silent: ["test"]) != nil)
    }

    @Test("the climb ends below the root")
    func climb() {
        #expect(CAAPolicy.climb(from: "*.a.b.test") == ["a.b.test", "b.test", "test"])
        #expect(CAAPolicy.climb(from: "localhost") == ["localhost"])
    }

    @Test("a name that leads elsewhere, or nowhere, is doubted, which explains a failure and is none")
    func doubts() throws {
        let zone = Zone()
        let here = try #require(IPAddress("192.0.2.1"))
        let there = try #require(IPAddress("2001:db8::2"))
        zone.hosts = ["good.test": [there, here], "far.test": [there]]
        zone.silent = ["silent.test"]
        let names = ["good.test", "far.test", "none.test", "silent.test", "*.far.test", "192.0.2.9"]
        let found = Preflight(of: names, nil, isReached: true, own: [here], zone)
        #expect(found.problem == nil && found.doubts.keys.sorted() == ["far.test", "none.test"])
        #expect(found.doubts["far.test"]?.contains("leads to 2001:db8::2") == true)
        #expect(found.doubts["none.test"]?.contains("A or AAAA record") == true)
        let problem = found.explaining(.challenge(name: "far.test", why: "no answer"))
        #expect("\(problem)".contains("no answer; it leads to 2001:db8::2"), "\(problem)")
        #expect(found.explaining(.challenge(name: "good.test", why: "x")) == .challenge(name: "good.test", why: "x"))
        #expect(Preflight(of: names, nil, isReached: false, own: [], zone).doubts.isEmpty)
    }
}
