import Site

/// What becomes of connections that routers have sent on by a line of `forward`, behind these. Which of several routers has
/// sent one nobody knows, and it alone knows that it has.
extension SiteWays {
    /// What the routers between make of them.
    func forwarding(by line: String, to end: SiteEnd) throws(SpaceExhausted) -> Ends {
        let senders = site.senders(by: line, to: end)
        let borders = Set(senders.map(\.router).filter { site.hosts[$0].bordersStrangers })
        // It is meant for the border that the host is behind, not for another office's, which carries it out as well.
        let ways = senders.map { sender in
            (target: sender.target, hops: site.hops(from: sender.router, to: sender.target))
        }.filter { !$0.hops.contains { borders.contains($0.router) } }
        if ways.allSatisfy({ $0.hops.isEmpty }) { return .open }
        let scratch = SiteWays(site, Common(), limit: store.limit, steps: steps)
        // Several routers mostly send to one target.
        var parts: [IPAddress: [Ends]] = [:]
        for way in ways { parts[way.target, default: []].append(try scratch.passing(way.hops, to: way.target)) }
        var made: [Ends] = []
        for target in parts.keys.sorted() { made.append(try scratch.joined(parts[target] ?? [], .either)) }
        var ends = Ends(try store.copy(try scratch.joined(made).parts, from: scratch.store.nodes))
        if masquerading.isEmpty { return ends }
        let asked = try to(AddressSet(Array(parts.keys)))
        ends.placed = try changingSources(try store.combine(asked, ends.placed, .within), to: asked)
        return ends
    }

    /// What the end makes of them.
    ///
    /// - Parameter ingress: the same where the end itself has sent them, if it is one of the routers.
    func ending(_ ingress: Ends, by line: String, at end: SiteEnd) throws(SpaceExhausted) -> Ends {
        let senders = site.senders(by: line, to: end)
        guard let host = end.host, senders.contains(where: { $0.router == host }) else { return ingress }
        let isBorder = site.hosts[host].bordersStrangers
        let others = senders.filter { sender in
            // Nor is another office's meant here.
            sender.router != host && (!isBorder || site.hosts[sender.router].attached.contains(sender.target))
        }
        if others.isEmpty { return ingress }
        return try joined([ingress, try unknowing(ingress)], .either)
    }

    private func passing(_ hops: [SiteHosts.Hop], to target: IPAddress) throws(SpaceExhausted) -> Ends {
        var parts: [Ends] = []
        for hop in hops {
            let passage = Passage(.all, by: hop.inputs, to: AddressSet([target]), by: hop.outputs)
            parts += try forwarding(by: site.hosts[hop.router], on: [passage])
        }
        return try unknowing(try joined(parts))
    }

    /// The same of connections that another router has sent on: as of any other.
    private func unknowing(_ ends: Ends) throws(SpaceExhausted) -> Ends {
        var box = Box()
        box.restrict(.redirected, to: 0)
        let others = try store.region(box)
        var parts: [PacketFunction] = []
        for part in ends.parts { parts.append(try store.forgetting([.redirected], try part.only(in: others, store))) }
        return Ends(parts)
    }
}
