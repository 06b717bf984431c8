/// A question that several data planes answer: how the certificates of a name are in use. Used on the supervisor's
/// thread alone.
internal final class UseQuestion {
    private let request: SupervisorMailbox.Request
    /// The processes that have not answered yet.
    private var awaited: Set<Int32>
    private var reports: [CertificateUseReport] = []

    /// - Parameter asked: the processes that have been asked.
    init(_ request: SupervisorMailbox.Request, asked: [Int32]) {
        self.request = request
        awaited = Set(asked)
        finish()
    }

    func isAwaiting(_ process: Int32) -> Bool { awaited.contains(process) }

    var isAnswered: Bool { awaited.isEmpty }

    /// Takes one process's answer, or that it ended without one. What a data plane shows that drains, it shows nobody.
    func hear(_ answer: [CertificateUseReport], from process: Int32, drains: Bool) {
        guard awaited.remove(process) != nil else { return }
        for report in answer {
            var report = report
            if drains { (report.isShown, report.drains) = (false, report.isKeyHeld) }
            if let place = reports.firstIndex(where: { $0.fingerprint == report.fingerprint }) {
                reports[place].add(report)
            } else {
                reports.append(report)
            }
        }
        finish()
    }

    private func finish() {
        guard awaited.isEmpty else { return }
        // Those that are shown last.
        request.give(.uses(reports.filter { !$0.isShown } + reports.filter(\.isShown)))
    }
}
