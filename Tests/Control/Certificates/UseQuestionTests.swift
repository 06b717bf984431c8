import Testing

@testable import Control

@Suite("How a certificate is in use, as several data planes say")
struct UseQuestionTests {
    private func report(
        _ fingerprint: String,
        shown: Bool = false,
        held: Bool = false,
        connections: Int = 0,
        end: Int64? = nil
    ) -> CertificateUseReport {
        CertificateUseReport(
            fingerprint: fingerprint,
            isShown: shown,
            isKeyHeld: held,
            connections: connections,
            lastEnd: end
        )
    }

    private func answer(_ request: SupervisorMailbox.Request) -> [CertificateUseReport]? {
        if case .uses(let reports) = request.wait(milliseconds: 0) { reports } else { nil }
    }

    @Test("connections are added up, and what a draining one shows is shown to nobody")
    func merges() throws {
        let request = try SupervisorMailbox.Request(.uses("web"))
        let question = UseQuestion(request, asked: [1, 2])
        question.hear([report("new", shown: true, held: true, connections: 4)], from: 1, drains: false)
        #expect(answer(request) == nil && question.isAwaiting(2) && !question.isAwaiting(1))
        question.hear(
            [
                report("old", shown: true, held: true, connections: 3, end: 7),
                report("new", held: true, connections: 2, end: 9),
            ],
            from: 2,
            drains: true
        )
        let reports = try #require(answer(request))
        #expect(reports.map(\.fingerprint) == ["old", "new"] && question.isAnswered)
        #expect(reports[0].connections == 3 && !reports[0].isShown && reports[0].drains && reports[0].isKeyHeld)
        #expect(reports[1].connections == 6 && reports[1].isShown && reports[1].lastEnd == 9)
    }

    @Test("one that ends instead of answering is not waited for, and nobody answers twice")
    func ends() throws {
        let request = try SupervisorMailbox.Request(.uses("web"))
        let question = UseQuestion(request, asked: [1, 2])
        question.hear([report("a", connections: 1)], from: 1, drains: false)
        question.hear([report("a", connections: 1)], from: 1, drains: false)
        question.hear([], from: 2, drains: true)
        #expect(answer(request)?.map(\.connections) == [1])
    }
}
