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
