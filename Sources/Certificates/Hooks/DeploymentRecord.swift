import Site

/// What became of the program of `deploy` for one certificate on one host: kept in the store, for those who ask and for
/// the next start.
package struct DeploymentRecord: Sendable, Equatable {
    /// The SHA-256 of the certificate that it was run for last to a good end; empty for none.
    package private(set) var deployed = ""
    /// Tries in a row that failed since then.
    package private(set) var failures = 0
    /// Why the last one failed.
    package private(set) var problem = ""
    /// When the next try is: seconds since 1970.
    package private(set) var next: Int64 = 0

    internal init(deployed: String = "") { self.deployed = deployed }

    /// Bytes of a problem that are kept: it quotes what the program said.
    private static let longestProblem = 1_000
    /// Bytes of a whole record, its problem escaped.
    internal static let longest = 8_192

    internal mutating func fail(_ problem: String, at now: Int64) {
        failures += 1
        self.problem = String(decoding: problem.utf8.prefix(Self.longestProblem), as: UTF8.self)
        next = now + RenewalSchedule.pause(afterFailures: failures)
    }

    /// - Parameter text: as `text` gives it; or the SHA-256 alone, as stores of before have it.
    internal init(parsing text: String) {
        guard text.hasPrefix("{"), let document = JSONValue(parsing: text) else {
            let words = text.split(separator: "\n")
            deployed = words.first.map(String.init) ?? ""
            return
        }
        deployed = document["deployed"]?.text ?? ""
        failures = max(0, document["failures"]?.integer ?? 0)
        problem = document["problem"]?.text ?? ""
        next = Int64(document["next"]?.integer ?? 0)
    }

    internal var text: String {
        JSONValue.object([
            .init("deployed", .string(deployed)),
            .init("failures", .integer(failures)),
            .init("problem", .string(problem)),
            .init("next", .integer(Int(next))),
        ]).line + "\n"
    }
}
