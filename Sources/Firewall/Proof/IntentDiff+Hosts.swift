/// Which hosts of two site files are held against one another.
extension IntentDiff {
    struct Hosts {
        private(set) var pairs: [(before: HostIntent, after: HostIntent)] = []
        /// A sentence for each host that one of the files lacks by its name.
        private(set) var notes: [String] = []

        /// A host with another name and the same addresses is the same. Of a new one all counts as new that is let through
        /// by more than the baseline; of one that is gone nothing changes on its machine.
        init(from old: [HostIntent], to new: [HostIntent]) {
            let kept = Set(new.map(\.host))
            var gone = old.filter { !kept.contains($0.host) }
            for after in new {
                if let before = old.first(where: { $0.host == after.host }) {
                    pairs.append((before, after))
                } else if let index = gone.firstIndex(where: { $0.bearsAddresses(of: after) }) {
                    let before = gone.remove(at: index)
                    pairs.append((before, after))
                    notes.append("`\(after.host)` is called `\(before.host)` in the old file, by its addresses")
                } else {
                    pairs.append((after.withoutLines, after))
                    notes.append("`\(after.host)` is a new host: what its lines open is told, and not its baseline")
                }
            }
            notes += gone.map { host in
                "`\(host.host)` is no host of the new file: no rules are made for it any more, and its machine keeps those "
                    + "that it has"
            }
        }
    }
}

extension HostIntent {
    fileprivate func bearsAddresses(of other: HostIntent) -> Bool {
        !knownAddresses.isEmpty && knownAddresses == other.knownAddresses
    }

    /// The same without what comes of lines and of other parts of the site file.
    fileprivate var withoutLines: HostIntent {
        func isOfHouse(_ rule: IntentRule) -> Bool {
            switch rule.origin {
            case .defence, .baseline: true
            case .written, .derived: false
            }
        }
        var bare = self
        bare.input.removeAll { !isOfHouse($0) }
        bare.forward.removeAll { !isOfHouse($0) }
        bare.output.removeAll { !isOfHouse($0) }
        bare.translations = []
        return bare
    }
}
