import Linux
import Site

/// What became of the tries at a new certificate so far: kept in the store, so that a gateway that is started again
/// goes on where it stood and does not run into a CA's limits.
package struct RenewalPlan: Sendable, Equatable {
    /// Tries in a row that failed.
    package private(set) var failures = 0
    /// Before that nothing is tried: seconds since 1970.
    package private(set) var next: Int64 = 0
    /// Why the last one failed.
    package private(set) var problem = ""

    package init() {}

    /// A try failed.
    ///
    /// - Parameter pause: seconds that the CA asked for; the usual pause when that is longer.
    package mutating func fail(_ problem: String, pause: Int64 = 0, at now: Int64) {
        failures += 1
        next = now + max(pause, RenewalSchedule.pause(afterFailures: failures))
        self.problem = problem
    }
}

extension CertificateStore {
    private func planPath(_ name: String) -> String { "\(folder)/plans/\(name)" }

    /// What is known of the tries at `name`; nothing when the last one was good, or none was made.
    package func plan(of name: String) -> RenewalPlan {
        guard let bytes = try? FileReading.read(planPath(name), limit: 1 << 16, trust: .ownerWrites),
            let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        else { return RenewalPlan() }
        return RenewalPlan(value)
    }

    /// Keeps it. What cannot be written is only lost at the next start.
    package func keep(_ plan: RenewalPlan?, of name: String) {
        guard let plan else { return FileWriting.remove(planPath(name)) }
        let text = Array((plan.document.line + "\n").utf8)
        try? FileWriting.createFolder("\(folder)/plans")
        try? FileWriting.replace(planPath(name), with: text.span, mode: 0o600)
    }
}

extension RenewalPlan {
    fileprivate init(_ value: JSONValue) {
        failures = max(0, value["failures"]?.integer ?? 0)
        next = Int64(value["next"]?.integer ?? 0)
        problem = value["problem"]?.text ?? ""
    }

    fileprivate var document: JSONValue {
        .object([
            .init("failures", .integer(failures)),
            .init("next", .integer(Int(next))),
            .init("problem", .string(problem)),
        ])
    }
}
