/// A host's ruleset tried for real: compiled, loaded where nothing is harmed, read back, and held against what is meant.
package enum KernelCheck {
    /// The kernel took it; what it then holds, and whether that is what is meant.
    case loaded(HostProof, HeldRuleset)
    /// nftables refuses it; why, with the rules of the policy.
    case refused(String)
    /// It could not be tried, or what the kernel holds could not be read, so that nothing is proved; why.
    case untried(String)

    package init(_ intent: HostIntent, in kernel: ScratchKernel) {
        self.init(Compiler.compile(intent).text(), meaning: intent, in: kernel)
    }

    /// - Parameter intent: what the text is to mean.
    package init(_ compiled: RulesetText, meaning intent: HostIntent, in kernel: ScratchKernel) {
        do {
            let held = try HeldRuleset(json: try kernel.hold(compiled.text))
            self = .loaded(HostProof(intent, against: held), held)
        } catch KernelFailure.refused(let problems) {
            self = .refused(problems.described { compiled.rule(ofLine: $0)?.text })
        } catch {
            self = .untried("\(error)")
        }
    }
}
