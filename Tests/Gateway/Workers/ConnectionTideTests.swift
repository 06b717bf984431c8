import Testing

@testable import Gateway

@Suite("Waves of connections")
struct ConnectionTideTests {
    @Test("a wave has ebbed once, when half of it has gone")
    func once() {
        var tide = ConnectionTide()
        #expect(
            [10, 9000, 8000, 4501, 4500, 4400, 4500, 4499].map { tide.hasEbbed($0) }
                == [false, false, false, false, true, false, false, false]
        )
    }

    @Test("what stays may ebb again, and a new wave too")
    func again() {
        var tide = ConnectionTide()
        #expect(
            [4000, 2000, 1000, 0, 0, 600, 0].map { tide.hasEbbed($0) }
                == [false, true, true, true, false, false, true]
        )
    }

    @Test("a few that leave are no wave")
    func few() {
        var tide = ConnectionTide()
        #expect([599, 0, 599, 0].allSatisfy { !tide.hasEbbed($0) })
    }
}
