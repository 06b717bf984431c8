/// The kernel's own word on a ruleset, without a change to the machine: a real load in a network namespace that goes
/// away after it.
///
/// `nft -c` is no such word: loops of jumps and statements in hooks that do not take them pass it and fail on load.
/// Interfaces that the ruleset names need not exist, as long as it names them with `iifname` and `oifname`.
package struct ScratchKernel: Sendable {
    package let process: KernelProcess

    package init(_ process: KernelProcess = KernelProcess()) {
        self.process = process
    }

    /// Loads the text and reads back what the kernel holds, as libnftables prints it in JSON.
    ///
    /// - Throws: `refused` with the text's lines; `unavailable` when the machine cannot try it, so that nothing is
    ///   proved.
    package func hold(_ text: String) throws(KernelFailure) -> [UInt8] {
        try process.run(.hold, text)
    }
}
