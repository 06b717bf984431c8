package import Site

extension Applier {
    /// What the machine has or does otherwise than the site file says, and the rules expect, of the ruleset that is in force,
    /// or waits for its confirmation, by the copy that is kept of the file. Empty when nothing was applied.
    package func warnings(_ machine: MachineFacts) throws(ApplyError) -> [Diagnostic] {
        guard let current = try state().current else { return [] }
        let path = folder.path(of: .site, current.generation)
        guard let host = SiteFile.load(path: path).model?.hosts[current.host] else { return [] }
        return machine.warnings(host, policy(of: current).intent, file: path)
    }
}
