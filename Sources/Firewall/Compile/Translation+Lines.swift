import Site

extension Translation {
    var changesDestination: Bool {
        switch kind {
        case .destination: true
        case .masquerade, .source: false
        }
    }

    /// The lines of the chain that changes what this translation changes.
    func lines(_ parts: inout RulesetParts) -> [Rule] {
        let label = RuleLabel(id: id, position: position)
        let place: LinePlace = changesDestination ? .translateDestination : .translateSource
        let conditions = Conditions(place: place, label: label, name: "\(place.word)_\(Word.name(id))")
        return alternatives.flatMap { conditions.lines($0, &parts) }.map { line in
            var rule = Rule(line, action, label: label)
            rule.hasCounter = true
            return rule
        }
    }

    private var action: Action {
        switch kind {
        case .masquerade: .masquerade
        case .source(let address): .translateSource(address)
        case .destination(let address, let port): .translateDestination(address, port: port)
        }
    }

    /// The match in the family of the new address and, where a port is set, of one protocol with ports at a time:
    /// nftables takes a port after the protocol was asked for, and not otherwise.
    private var alternatives: [PacketMatch] {
        switch kind {
        case .masquerade: return [match]
        case .source(let address): return [match.of(address)]
        case .destination(let address, nil): return [match.of(address)]
        case .destination(let address, .some):
            return ProtocolNumber.havingPorts.compactMap { number in
                var one = match.of(address)
                one.traffic = match.traffic.intersection(TrafficSet(number))
                return one.traffic.isEmpty ? nil : one
            }
        }
    }
}

extension PacketMatch {
    /// The match in the family of `address`.
    fileprivate func of(_ address: IPAddress) -> PacketMatch {
        var one = self
        let family = address.width == 32 ? AddressSet(v4: .all) : AddressSet(v6: .all)
        one.sources = sources.intersection(family)
        one.destinations = destinations.intersection(family)
        return one
    }
}
