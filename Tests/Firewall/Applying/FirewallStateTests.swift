import Firewall
import Glibc
import Linux
import Site
import Testing

@Suite("Firewall state")
struct FirewallStateTests {
    private func ruleset(_ generation: Int, site: String, modified: Int64) -> StoredRuleset {
        StoredRuleset(
            generation: generation,
            host: "app-01",
            hash: "h\(generation)",
            siteHash: site,
            siteModified: modified,
            applied: 5
        )
    }

    private func confirmed(_ list: [(site: String, modified: Int64)]) -> FirewallState {
        var state = FirewallState()
        for (index, entry) in list.enumerated() {
            state.lastGeneration = index + 1
            let ruleset = ruleset(index + 1, site: entry.site, modified: entry.modified)
            state.pending = PendingConfirmation(ruleset: ruleset, until: 9)
            state.confirm(now: 7)
        }
        return state
    }

    @Test("what is written is read back")
    func roundTrip() throws {
        var state = confirmed([("a", 1), ("b", 2)])
        state.pending = PendingConfirmation(ruleset: ruleset(3, site: "c", modified: 3), until: 99)
        #expect(FirewallState(json: state.json) == state)
        state.pending?.session = "203.0.113.7 5000 10.10.0.21 22"
        #expect(FirewallState(json: state.json) == state)
        state.undo(now: 8, why: "so")
        let text = try #require(JSONValue(parsing: state.json.line))
        #expect(FirewallState(json: text) == state)
        #expect(FirewallState(json: .object([])) == nil)
    }

    @Test("what writers that were killed left is gone when the next one has the lock, and nothing else")
    func scratch() throws {
        let path = "/tmp/gatehouse-firewall-state-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let folder = try StateFolder(path)
        try folder.make()
        defer { FileWriting.removeFolder(path, first: "lock") }
        let left = [".state.json.k7.12", ".confirmed.nft.k7.12", ".7.nft.k7.12", ".7.undo.nft.k7.12"]
        let others = [".7.other.k7.12", ".state.json.k7", ".notes.k7.12", "notes", "7.nft"]
        for name in left + others {
            try FileWriting.replace("\(path)/\(name)", with: Array("x".utf8).span, mode: 0o600)
        }
        #expect(folder.lastHolder == nil)
        let lock = try folder.lock()
        #expect(folder.lastHolder == getpid(), "who cannot have the lock is told who has it")
        #expect(FileListing.names(in: path).sorted() == (others + ["lock"]).sorted())
        withExtendedLifetime(lock) {}
    }

    @Test("numbers that no apply writes are damage")
    func numbers() {
        let text = confirmed([("a", 1)]).json.line
        for (name, number) in [
            ("last-generation", "1"), ("generation", "1"), ("applied", "5"), ("site-modified", "1"),
        ] {
            for bad in ["\(Int.max)", "\(Int.min)"] {
                let damaged = text.replacing("\"\(name)\":\(number)", with: "\"\(name)\":\(bad)")
                #expect(damaged != text, "\(name)")
                #expect(JSONValue(parsing: damaged).flatMap(FirewallState.init(json:)) == nil, "\(name) \(bad)")
            }
        }
    }

    @Test("a file is old by its content when it was replaced, and by its time when it is not known")
    func age() {
        let state = confirmed([("a", 10), ("b", 20)])
        #expect(state.objection(toSiteHash: "b", modified: 0) == nil)
        #expect(state.objection(toSiteHash: "c", modified: 20) == nil)
        #expect(state.objection(toSiteHash: "c", modified: 19) != nil)
        #expect(state.objection(toSiteHash: "a", modified: 999) != nil)
        let again = confirmed([("a", 10), ("b", 20), ("a", 30)])
        #expect(again.objection(toSiteHash: "a", modified: 0) == nil)
        #expect(again.objection(toSiteHash: "b", modified: 99) != nil)
        #expect(FirewallState().objection(toSiteHash: "a", modified: 0) == nil)
    }
}
