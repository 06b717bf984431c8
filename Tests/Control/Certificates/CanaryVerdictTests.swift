import Control
import Site
import Testing

@Suite("The verdict on a certificate that a share of the clients was shown")
struct CanaryVerdictTests {
    private func judge(
        _ fresh: (clients: Int, refusals: Int),
        _ known: (clients: Int, refusals: Int),
        after seconds: Int = 10
    ) -> CanaryVerdict {
        var report = CertificateTrialReport(name: "web")
        (report.fresh.clients, report.fresh.refusals) = fresh
        (report.known.clients, report.known.refusals) = known
        report.fresh.reasons = ["unknown_ca": fresh.refusals]
        return CanaryVerdict.judge(report, after: seconds, CanarySettings())
    }

    private func refuses(_ verdict: CanaryVerdict) -> Bool { if case .refuse = verdict { true } else { false } }
    private func promotes(_ verdict: CanaryVerdict) -> Bool { if case .promote = verdict { true } else { false } }

    @Test(
        "it is refused where clearly more refuse it than the one before",
        arguments: [
            ((3, 3), (27, 0)), ((10, 4), (90, 0)), ((100, 12), (900, 9)), ((1_000, 60), (9_000, 200)), ((3, 3), (0, 0)),
        ] as [((Int, Int), (Int, Int))]
    )
    func refused(fresh: (Int, Int), known: (Int, Int)) {
        #expect(refuses(judge(fresh, known)))
        #expect(refuses(judge(fresh, known, after: 100_000)), "also when the time is over")
    }

    @Test(
        "it is not, where as many refuse both, or too few to tell",
        arguments: [
            ((100, 2), (900, 0)), ((1, 1), (0, 0)), ((2, 2), (20, 0)), ((50, 25), (450, 225)),
        ] as [((Int, Int), (Int, Int))]
    )
    func undecided(fresh: (Int, Int), known: (Int, Int)) {
        #expect(judge(fresh, known) == .undecided)
        #expect(promotes(judge(fresh, known, after: 600)))
    }

    @Test("so many clients that take it end the trial before its time, and no client at all does not keep it for ever")
    func promoted() {
        #expect(judge((999, 0), (9_000, 0)) == .undecided)
        #expect(promotes(judge((1_000, 0), (9_000, 0))))
        #expect(judge((0, 0), (0, 0), after: 599) == .undecided)
        #expect(promotes(judge((0, 0), (0, 0), after: 600)))
    }

    @Test("the words say how many, and by which alerts")
    func words() {
        let words = "4 of 10 clients refused it, and 1 of 90 the one before (unknown_ca)"
        #expect(judge((10, 4), (90, 1)) == .refuse(words))
    }
}
