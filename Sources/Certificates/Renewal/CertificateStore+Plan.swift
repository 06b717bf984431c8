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

    /// Changes what is known of the tries at `name`, while no other thread or process does: who asked a CA has read it long
    /// before, and an operator may have gone back to another certificate since.
    ///
    /// - Parameter change: takes no other lock.
    @discardableResult
    package func changePlan<Result>(of name: String, _ change: (inout RenewalPlan) -> Result) -> Result {
        func changed() -> Result {
            let known = self.plan(of: name)
            var plan = known
            let result = change(&plan)
            if plan != known { write(plan, of: name) }
            return result
        }
        let lock: FileLock
        do throws(FileError) {
            lock = try lockPlans()
        } catch {
            // What cannot be written counts in this process alone.
            return changed()
        }
        let result = changed()
        _ = consume lock
        return result
    }

    /// Keeps it in place of what is there, of which nothing counts any more.
    package func keep(_ plan: RenewalPlan, of name: String) { changePlan(of: name) { $0 = plan } }

    /// Milliseconds that another process may hold the lock; it reads a file and writes one meanwhile.
    private static let patienceWithPlans = 2_000

    private func lockPlans() throws(FileError) -> FileLock {
        try FileWriting.requireOwner(folder)
        try FileWriting.createFolder(planFolder)
        return try FileLock.take(planFolder + "/.lock", within: Self.patienceWithPlans)
    }

    /// What cannot be written is only lost at the next start.
    private func write(_ plan: RenewalPlan, of name: String) {
        let (path, text) = (planPath(name), Array((plan.document.line + "\n").utf8))
        do throws(FileError) {
            try FileWriting.requireOwner(folder)
            try FileWriting.createFolder(planFolder)
            try FileWriting.replace(path, with: text.span, mode: 0o600)
            Self.unwritten.withLock { $0[path] = nil }
        } catch {
            let file = FileStamp(path)
            Self.unwritten.withLock { $0[path] = (file, plan) }
        }
    }
}
