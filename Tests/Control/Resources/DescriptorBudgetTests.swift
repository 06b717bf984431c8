import Control
import Gateway
import Testing

@Suite("Descriptors for connections")
struct DescriptorBudgetTests {
    private func budget(_ limit: UInt64) -> DescriptorBudget {
        DescriptorBudget(limit: limit, plan: Plan(), sockets: 4, workers: 2)
    }

    @Test("are two for each, besides those that are needed before the first")
    func connections() {
        let fixed = budget(0).fixed
        #expect(budget(fixed + 200).connections == 100)
        #expect(budget(fixed).connections == 16)
        #expect(budget(fixed + 200).warning(connections: 100) == nil)
        let warning = budget(fixed + 200).warning(connections: 101)
        #expect(warning?.contains("101 connections need \(fixed + 202) descriptors") == true, "\(warning ?? "none")")
        #expect(warning?.contains("enough for 100") == true, "\(warning ?? "none")")
    }

    @Test("that hardly suffice are warned of, also where the site file sets no limit")
    func few() {
        let fixed = budget(0).fixed
        #expect(budget(fixed + 32).warning(connections: 0) == nil)
        for limit in [0, 32, fixed + 31] {
            let warning = budget(limit).warning(connections: 0)
            #expect(warning?.contains("may have \(limit), which is hardly enough") == true, "\(warning ?? "none")")
        }
    }
}
