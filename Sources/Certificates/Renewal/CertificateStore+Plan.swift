import Linux
import Site
import Synchronization

/// Where plans are kept.
extension CertificateStore {
    internal var planFolder: String { folder + "/plans" }
    private func planPath(_ name: String) -> String { "\(planFolder)/\(name)" }

    /// Plans that could not be written, by their paths: they count in this process, until somebody writes there.
    private static let unwritten = Mutex<[String: (file: FileStamp?, plan: RenewalPlan)]>([:])

    /// What is known of the tries at `name`; nothing when none was made.
    package func plan(of name: String) -> RenewalPlan {
        let path = planPath(name)
        if let kept = Self.unwritten.withLock({ $0[path] }), kept.file == FileStamp(path) { return kept.plan }
        guard let bytes = try? read(name, in: "plans", limit: 1 << 16),
            let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        else { return RenewalPlan() }
        return RenewalPlan(value)
    }

    /// Keeps it. What cannot be written is only lost at the next start.
    package func keep(_ plan: RenewalPlan, of name: String) {
        let (path, text) = (planPath(name), Array((plan.document.line + "\n").utf8))
        do throws(FileError) {
            try FileWriting.requireOwner(folder)
            try FileWriting.createFolder("\(folder)/plans")
            try FileWriting.replace(path, with: text.span, mode: 0o600)
            Self.unwritten.withLock { $0[path] = nil }
        } catch {
            let file = FileStamp(path)
            Self.unwritten.withLock { $0[path] = (file, plan) }
        }
    }
}
