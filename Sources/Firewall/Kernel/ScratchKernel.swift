import Linux
import Synchronization

/// The kernel's own word on a ruleset, without a change to the machine: a real load in a network namespace that goes
/// away after it.
///
/// `nft -c` is no such word: loops of jumps and statements in hooks that do not take them pass it and fail on load.
/// Interfaces that the ruleset names need not exist, as long as it names them with `iifname` and `oifname`.
package final class ScratchKernel: Sendable {
    package let process: KernelProcess
    /// Workers that wait, by the thread that started them and that they end with. A new one costs as much as a small
    /// ruleset.
    private let idle = Mutex<[Int32: KernelConnection]>([:])

    package init(_ process: KernelProcess = KernelProcess()) {
        self.process = process
    }

    /// Loads the text into a network of its own and reads back what the kernel holds, as libnftables prints it in JSON.
    /// Several threads may ask at once.
    ///
    /// - Throws: `refused` with the text's lines; `unavailable` when the machine cannot try it, so that nothing is
    ///   proved.
    package func hold(_ text: String) throws(KernelFailure) -> [UInt8] {
        let thread = Thread.currentIdentifier
        let waiting = idle.withLock { $0.removeValue(forKey: thread) }
        // It may be of an earlier thread of that number, and have ended with it.
        let worker = if let waiting, !waiting.hasEnded { waiting } else { try process.start() }
        do throws(KernelFailure) {
            let held = try worker.run(.hold, text)
            idle.withLock { $0[thread] = worker }
            return held
        } catch {
            if case .refused = error { idle.withLock { $0[thread] = worker } }
            throw error
        }
    }
}
