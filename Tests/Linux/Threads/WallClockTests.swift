import Linux
import Testing

@Suite("The wall clock, as far as it is believed")
struct WallClockTests {
    private static let day: Int64 = 86_400
    private static let start: Int64 = 1_800_000_000

    /// What a clock answers that is looked at at these moments.
    ///
    /// - Parameter looks: how far the wall clock is off then, and how many seconds have passed since the start.
    private func offsets(_ looks: [(off: Int64, passed: Int64)], after past: Int64? = nil) -> [Int64] {
        var clock = WallClock()
        if let past { clock.begin(after: Self.start + past, boot: 50) }
        return looks.map { look in
            clock.time(wall: Self.start + look.passed + look.off, boot: 50 + look.passed) - Self.start - look.passed
        }
    }

    @Test("is followed by as much as people and time servers set it, however often")
    func small() {
        let day = Self.day
        #expect(offsets([(0, 0), (day, 10), (day * 2, 20), (day, 30)]) == [0, day, day * 2, day])
    }

    @Test("is not believed when it jumps, on or back, until it is back")
    func jump() {
        let far = 366 * Self.day
        #expect(offsets([(0, 0), (far, 5), (far, 4_000), (0, 5_000), (60, 6_000)]) == [0, 0, 0, 0, 60])
        #expect(offsets([(0, 0), (-far, 5), (-far, 4_000), (0, 5_000)]) == [0, 0, 0, 0])
        var clock = WallClock()
        _ = clock.time(wall: Self.start, boot: 50)
        _ = clock.time(wall: Self.start + far, boot: 50)
        #expect(clock.doubt?.ahead == far && clock.doubt?.end == 50 + Self.day)
        _ = clock.time(wall: Self.start + 100, boot: 150)
        #expect(clock.doubt == nil)
    }

    @Test("is believed when it stays for a day where it jumped to, and not when it jumps on meanwhile")
    func patience() {
        let far = 366 * Self.day
        #expect(offsets([(0, 0), (far, 5), (far, Self.day + 4), (far, Self.day + 5)]) == [0, 0, 0, far])
        #expect(offsets([(0, 0), (far, 5), (far * 2, Self.day), (far * 2, Self.day + 5)]) == [0, 0, 0, 0])
    }

    @Test("is believed when it was wrong at the start and is set, towards a moment that has been")
    func begun() {
        let far = 366 * Self.day
        // Started a year behind, or ahead, of what its files tell.
        #expect(offsets([(0, 0), (far, 5)], after: far) == [0, far])
        #expect(offsets([(0, 0), (-far, 5)], after: -far) == [0, -far])
        #expect(offsets([(0, 0), (-far, Self.day + 5)], after: -far) == [0, 0])
        // Away from it, as at any other time.
        #expect(offsets([(0, 0), (far, 5)], after: -far) == [0, 0])
        #expect(offsets([(0, 0), (far, 5), (0, 9)], after: 0) == [0, 0, 0])
    }
}
