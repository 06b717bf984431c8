import Synchronization

/// The kernel's own word on a ruleset, without a change to the machine: a real load in a network namespace that goes
/// away after it.
///
/// `nft -c` is no such word: loops of jumps and statements in hooks that do not take them pass it and fail on load.
/// Interfaces that the ruleset names need not exist, as long as it names them with `iifname` and `oifname`.
package final class ScratchKernel: Sendable {
    package let process: KernelProcess
    /// Workers that wait: as many as were ever asked at the same time. A new one costs as much as a small ruleset.
    private let idle = Mutex<[KernelConnection]>([])

    package init(_ process: KernelProcess = KernelProcess()) {
        self.process = process
    }

    /// Loads the text into a network of its own and reads back what the kernel holds, as libnftables prints it in JSON.
    /// Several threads may ask at once.
    ///
    /// - Throws: `refused` with the text's lines; `unavailable` when the machine cannot try it, so that nothing is
    ///   proved.
    package func hold(_ text: String) throws(KernelFailure) -> [UInt8] {
        let waiting = idle.withLock { $0.popLast() }
        let worker = if let waiting { waiting } else { try process.start() }
        do throws(KernelFailure) {
            let held = try worker.run(.hold, text)
            idle.withLock { $0.append(worker) }
            return held
        } catch {
            if case .refused = error { idle.withLock { $0.append(worker) } }
            throw error
        }
    }
}
