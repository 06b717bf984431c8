import Site

/// What hosts let through though no line of the policy says so: a part of the baseline that is in force.
package struct BaselineDefault: Sendable, Equatable {
    /// Its name in the site file's section `baseline`.
    package let id: String
    /// In the order of the site's hosts.
    package private(set) var hosts: [String]
    /// The ways through a host on which it does so, in the order of `PacketPath`.
    package private(set) var paths: [PacketPath]
    /// What is let through, in words: `icmp type 8`.
    package let traffic: String
    /// What each source may have of it, in words; nil for no limit.
    package private(set) var limit: String?
    /// On which ways the limit is.
    package private(set) var limitedPaths: [PacketPath]

    /// The defaults of a site's hosts, each once, in the order in which they decide.
    package static func all(in hosts: [HostIntent]) -> [BaselineDefault] {
        var found: [BaselineDefault] = []
        for host in hosts {
            for path in PacketPath.allCases {
                for rule in host.rules(path) {
                    guard case .baseline(let id) = rule.origin, rule.verdict == .accept else { continue }
                    found.merge(BaselineDefault(id, rule, path, of: host.host))
                }
            }
        }
        return found
    }

    private init(_ id: String, _ rule: IntentRule, _ path: PacketPath, of host: String) {
        self.id = id
        hosts = [host]
        paths = [path]
        traffic = rule.defaultText
        limit = rule.limit?.measures.map(\.text).joined(separator: ", ")
        limitedPaths = limit == nil ? [] : [path]
    }

    /// Takes in the same default of another way or host.
    fileprivate mutating func add(_ other: BaselineDefault) {
        hosts += other.hosts.filter { !hosts.contains($0) }
        paths = PacketPath.allCases.filter { paths.contains($0) || other.paths.contains($0) }
        limitedPaths = PacketPath.allCases.filter { limitedPaths.contains($0) || other.limitedPaths.contains($0) }
        limit = limit ?? other.limit
    }
}

extension [BaselineDefault] {
    fileprivate mutating func merge(_ one: BaselineDefault) {
        let place = firstIndex { $0.id == one.id && $0.traffic == one.traffic }
        if let place { self[place].add(one) } else { append(one) }
    }
}

extension IntentRule {
    /// What its matches are about together, without addresses: those of a default are whoever's.
    fileprivate var defaultText: String {
        let traffic = matches.reduce(TrafficSet.none) { $0.union($1.traffic) }.text
        let states = matches.reduce(ConnectionStates()) { $0.union($1.states) }
        let words = states == .all ? traffic : "packets of connections that are \(states.text)"
        let isOfLoopback = matches.allSatisfy {
            $0.inputInterfaces == .among(["lo"]) || $0.outputInterfaces == .among(["lo"])
        }
        return isOfLoopback ? "\(words) by lo" : words
    }
}
