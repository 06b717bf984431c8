import Site

/// Lines of `allow` about a router itself of which a line of `forward` takes something: it goes elsewhere before they are asked.
extension PolicyCheck {
    /// What a change has lines of `forward` take, as the first connection of each line of `allow` that was let in before.
    func diversions(from before: Intent) -> [IntentDiff.Adjustment] {
        var adjustments: [IntentDiff.Adjustment] = []
        for router in intent.hosts {
            guard let host = site.hosts[router.host], let old = before.host(router.host) else { continue }
            let sides = HostSides(of: host, outside: intent.reachedOutside)
            var known: Set<String> = []
            let written = router.translations.filter { forward in
                forward.isForward && !old.translations.contains { $0.match == forward.match && $0.kind == forward.kind }
            }
            for forward in written {
                for rule in router.input where rule.isAsked(of: forward) && !known.contains(rule.id) {
                    guard let packet = try? Self.packet(of: rule, to: forward, sides, at: router),
                        let sentence = diversion(of: packet, from: rule, at: router, before: old)
                    else { continue }
                    known.insert(rule.id)
                    adjustments.append(IntentDiff.Adjustment(host: router.host, sentence: sentence, opens: false))
                }
            }
        }
        return adjustments
    }

    private func diversion(
        of packet: Packet,
        from rule: IntentRule,
        at router: HostIntent,
        before old: HostIntent
    ) -> String? {
        // Which addresses it gets from elsewhere the site file does not know.
        var sent = packet
        sent.oddities.insert(.toOwnAddress)
        guard router.rule(for: packet)?.id == rule.id, let forward = router.redirection(of: sent),
            old.rule(for: packet)?.verdict == .accept, old.redirection(of: sent) == nil
        else { return nil }
        return "`\(rule.id)` lets less through: \(described(Connection(packet))) is \(self.sent(forward))"
    }

    /// A packet that begins a connection, that a rule is about and that a line of `forward` changes; nil for none.
    private static func packet(
        of rule: IntentRule,
        to forward: Translation,
        _ sides: HostSides,
        at host: HostIntent
    ) throws(SpaceExhausted) -> Packet? {
        var match = forward.changed
        match.oddities.remove(.toOwnAddress)
        match.states = .new
        var boxes = Box.boxes(of: match, on: .input)
        for index in boxes.indices {
            boxes[index].restrict(.oddities, to: 0)
            boxes[index].restrict(.redirected, to: 0)
            boxes[index].restrict(.tcpFlags, to: 0x02)
        }
        let store = DiagramStore()
        var region = try store.combine(
            try store.region(boxes),
            try IntentSpace(in: store, limits: .together).region(rule, .input),
            .intersection
        )
        region = try store.combine(region, try PossiblePackets.region(.input, in: store), .intersection)
        region = try store.combine(region, try sides.region(.input, in: store), .intersection)
        return Witness(in: store, at: host).packet(region, .input)
    }
}

extension IntentRule {
    /// Whether it is a line of `allow` about some of what the other changes.
    fileprivate func isAsked(of forward: Translation) -> Bool {
        let changed = forward.changed
        return origin == .written && verdict == .accept
            && matches.contains {
                $0.traffic.intersects(changed.traffic) && $0.sources.intersects(changed.sources)
                    && $0.destinations.intersects(changed.destinations)
            }
    }
}
