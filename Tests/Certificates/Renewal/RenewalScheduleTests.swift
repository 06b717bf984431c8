import Certificates
import Testing

@Suite("When a certificate is renewed")
struct RenewalScheduleTests {
    private let day: Int64 = 86_400

    private func schedule(days: Int64, fingerprint: String = "00000000") -> RenewalSchedule {
        RenewalSchedule(validity: 0...days * day, fingerprint: fingerprint)
    }

    @Test("a third of its life before the end, half of a short one")
    func due() {
        #expect(schedule(days: 90).due == 60 * day)
        #expect(schedule(days: 47).due == 47 * day - 47 * day / 3)
        #expect(schedule(days: 6).due == 3 * day)
        #expect(schedule(days: 10).due == 10 * day - 10 * day / 3)
    }

    @Test("certificates of one moment come back at several, each always at the same")
    func jitter() {
        let one = schedule(days: 90, fingerprint: "0001ffff00").due
        let two = schedule(days: 90, fingerprint: "fedcba9800").due
        #expect(one != two && one == schedule(days: 90, fingerprint: "0001ffff00").due)
        for due in [one, two] { #expect((60 * day..<62 * day).contains(due)) }
    }

    @Test("tries come after 1, 10 and 100 minutes, then 23 hours, and are counted to the end")
    func runway() {
        let schedule = schedule(days: 90)
        let tries = [0, 60, 660, 6_660, 6_660 + 23 * 3_600].map { 60 * day + $0 }
        #expect(
            tries.dropFirst().enumerated().allSatisfy { index, moment in
                moment - tries[index] == RenewalSchedule.pause(afterFailures: index + 1)
            }
        )
        // One by one, as an engine would.
        for now in [0, 59 * day, 60 * day, 88 * day, 90 * day - 61, 90 * day - 60, 90 * day - 1, 90 * day, 91 * day] {
            for failures in 0...5 {
                var count = 0
                var moment = max(now, schedule.due)
                while moment < 90 * day {
                    count += 1
                    moment += RenewalSchedule.pause(afterFailures: failures + count)
                }
                #expect(schedule.runway(at: now, failures: failures) == count, "\(now) \(failures)")
            }
        }
        #expect(schedule.runway(at: 91 * day) == 0)
    }

    @Test("of a short life tries come ever closer, to an hour, and go on each hour when it has ended")
    func shortLife() {
        let hour: Int64 = 3_600
        let schedule = schedule(days: 1)
        // A CA that was away for three hours when it was due.
        var moment = schedule.due
        var (failures, pauses): (Int, [Int64]) = (0, [])
        while moment < 2 * day {
            failures += 1
            let pause = schedule.pause(afterFailures: failures, at: moment)
            let left = day - moment
            if left > 0 {
                let after = schedule.runway(at: moment + pause, failures: failures, next: moment + pause)
                #expect(schedule.runway(at: moment, failures: failures - 1, next: moment) == after + 1)
            }
            #expect(pause <= max(hour, left / 4) && (failures < 4 || pause >= hour), "\(failures)")
            pauses.append(pause)
            moment += pause
        }
        #expect(Array(pauses.prefix(4)) == [60, 600, 6_000, (day / 2 - 6_660) / 4])
        #expect(pauses.suffix(24).allSatisfy { $0 == hour })
        #expect(schedule.runway(at: day) == 0)
    }

    @Test("the last pause of a longer life ends with it, and then it is an hour")
    func end() {
        let schedule = schedule(days: 90)
        let end = 90 * day
        let pauses: [(left: Int64, pause: Int64)] = [
            (3 * day, 82_800), (82_801, 82_800), (7_000, 7_000), (10, 3_600), (0, 3_600), (-day, 3_600),
        ]
        for (left, pause) in pauses {
            #expect(schedule.pause(afterFailures: 9, at: end - left) == pause, "\(left)")
        }
        #expect(schedule.pause(afterFailures: 1, at: end - 10) == 60)
    }

    @Test("a timer that runs at the same moment of each day tries each time, also a CA that takes long to fail")
    func timer() {
        for took: Int64 in [1, 60, 1_800] {
            var plan = RenewalPlan()
            for run in 0..<14 {
                let moment = Int64(run) * day
                #expect(plan.next <= moment, "run \(run), each taking \(took) s")
                plan.fail("a test", at: moment + took)
            }
        }
    }

    @Test("no lifetime, however odd, traps")
    func oddLifetimes() {
        for validity: ClosedRange<Int64> in [0...0, 5...6, -10...Int64(1) << 40] {
            let schedule = RenewalSchedule(validity: validity, fingerprint: "zz")
            #expect(schedule.due <= validity.upperBound)
            #expect(schedule.runway(at: validity.upperBound) == 0)
        }
    }
}
