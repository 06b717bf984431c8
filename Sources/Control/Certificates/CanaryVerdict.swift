package import Site

/// What is to become of a certificate that is on trial. Pure: counts come in, a verdict goes out.
package enum CanaryVerdict: Equatable, Sendable {
    /// Not known yet.
    case undecided
    /// It is for all clients now; the words say why.
    case promote(String)
    /// The one before is for all clients again; the words say why.
    case refuse(String)

    /// Fewer clients than these that refuse it say nothing.
    private static let fewest = 3

    /// - Parameter seconds: how long the trial has lasted.
    package static func judge(
        _ report: CertificateTrialReport,
        after seconds: Int,
        _ settings: CanarySettings
    ) -> CanaryVerdict {
        let (fresh, known) = (report.fresh, report.known)
        let counts = "\(fresh.refusals) of \(clients(fresh.clients)) refused it, "
        let others = "and \(known.refusals) of \(known.clients) the one before"
        if fresh.refusals >= fewest, Double(fresh.refusals) > bound(fresh, known) {
            let reasons = fresh.reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
            return .refuse("\(counts)\(others) (\(reasons.joined(separator: ", ")))")
        }
        if fresh.clients >= settings.clients || seconds >= Int(settings.time.components.seconds) {
            return .promote("\(counts)\(others)")
        }
        return .undecided
    }

    /// As many of those who get the new one may refuse it as refuse the one before, and three standard deviations more: by
    /// chance alone, a thousandth of all looks finds so many.
    private static func bound(_ fresh: CertificateTrialReport.Counts, _ known: CertificateTrialReport.Counts) -> Double
    {
        // Half a refusal among ten clients, of whom nobody knows, keeps few clients from being taken for proof.
        let rate = (Double(known.refusals) + 0.5) / (Double(known.clients) + 10)
        let expected = rate * Double(fresh.clients)
        return expected + 3 * expected.squareRoot()
    }

    private static func clients(_ count: Int) -> String { count == 1 ? "1 client" : "\(count) clients" }
}
