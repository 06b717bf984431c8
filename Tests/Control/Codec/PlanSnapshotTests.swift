import Control
import Gateway
import Linux
import Site
import Snapshot
import Testing

@Suite("A plan as a snapshot")
struct PlanSnapshotTests {
    private static let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }

    @Test("the plans of the example sites cross to the data plane unharmed", arguments: ["foobar.com", "every-key"])
    func plans(name: String) throws {
        let site = try #require(SiteFile.load(path: "\(Self.root)/Policies/\(name).yaml").model)
        let gateway = try #require(site.gateway)
        var slots = PlanCompiler.Slots()
        let plan = try PlanCompiler(site: site, gateway: gateway).plan(
            generation: 7,
            slots: &slots,
            readFile: { (_: String) throws(ConfigurationError) in Array("file".utf8) }
        )
        let bytes = try SnapshotCodec.encode(plan)
        let copy = try SnapshotCodec.decode(Plan.self, from: bytes)
        #expect(copy.generation == 7)
        #expect(copy.listeners == plan.listeners)
        #expect(copy.pools == plan.pools)
        #expect(copy.routes == plan.routes)
        #expect(try SnapshotCodec.encode(copy) == bytes)
    }
}
