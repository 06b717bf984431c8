import Testing

@testable import Firewall

struct RuleNameTests {
    @Test("lines that say the same are told apart by a number, past names that are given")
    func numbers() {
        var names = RuleName(taken: ["office_all_ssh-2"])
        let given = (1...3).map { _ in names.next("office_all_ssh") }
        #expect(given == ["office_all_ssh", "office_all_ssh-3", "office_all_ssh-4"])
        #expect(names.next("office_all_http") == "office_all_http")
    }

    /// To hold each against all names before it would take half a minute for 20,000 lines.
    @Test("a hundred thousand lines that say the same have a hundred thousand names")
    func many() {
        var names = RuleName(taken: [])
        #expect(Set((1...100_000).map { _ in names.next("any_all_ssh") }).count == 100_000)
    }
}
