extension SiteWays {
    /// What is the same wherever connections end: worked out once, and handed to all who ask about one end.
    struct Common: Sendable {
        var nodes = DiagramNodes()
        var possible: PacketFunction?
        var ours: PacketFunction?
        var attended: PacketFunction?
        var egress: Ends?
        /// What hosts let out of addresses that they have by DHCP.
        var leaving: [Int: Ends] = [:]
        var forwarding: [Int: Ends] = [:]
        var detouring: [Int: Detours] = [:]
        var turning: [Int: [Turn]] = [:]
        /// What becomes of what routers send to a target (`SiteHosts.targets`).
        var sent: [Int: [PacketFunction]] = [:]
        var total: Ends?
        var unrouted: PacketFunction?
        var elsewhere: Ends?
        /// Its `placed`, by the way that lets most through.
        var best: PacketFunction?
        /// The connections from sets of sources that several ends ask about.
        var sources: [PacketFunction] = []
        /// Why the rest is not there.
        var exhausted: SpaceExhausted?

        /// Every function of it, in an order that is the same every time.
        mutating func forEach(_ body: (inout PacketFunction) -> Void) {
            func each(_ ends: inout Ends) {
                body(&ends.outcomes)
                body(&ends.placed)
                body(&ends.refused)
                body(&ends.defended)
                body(&ends.upkeep)
            }
            func one(_ place: inout PacketFunction?) {
                guard var function = place else { return }
                body(&function)
                place = function
            }
            func ends(_ place: inout Ends?) {
                guard var value = place else { return }
                each(&value)
                place = value
            }
            one(&possible)
            one(&ours)
            one(&attended)
            one(&unrouted)
            one(&best)
            ends(&elsewhere)
            ends(&egress)
            ends(&total)
            for host in leaving.keys.sorted() { ends(&leaving[host]) }
            for host in forwarding.keys.sorted() { ends(&forwarding[host]) }
            for host in detouring.keys.sorted() {
                guard var detours = detouring[host] else { continue }
                body(&detours.decided)
                for place in detours.ways.indices { body(&detours.ways[place].connections) }
                detouring[host] = detours
            }
            for host in turning.keys.sorted() {
                for place in (turning[host] ?? []).indices { body(&turning[host, default: []][place].region) }
            }
            for target in sent.keys.sorted() {
                for place in (sent[target] ?? []).indices { body(&sent[target, default: []][place]) }
            }
            for index in sources.indices { body(&sources[index]) }
        }
    }
}
