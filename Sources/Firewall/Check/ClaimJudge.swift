import Site

/// Holds claims against the lines of the policy, before there is any ruleset. What it finds is found in milliseconds
/// and without a kernel; what the kernel really holds is for the proof to say.
struct ClaimJudge {
    /// How a claim is broken.
    enum Finding {
        /// The line that lets the connection through, though the claim says that none may.
        case allowed(Connection, by: Flow)
        /// The line that takes the connection, or none that lets it through, though the claim says that it may.
        case refused(Connection, by: Flow?)
        /// Too many lines overlap to tell.
        case undecided
    }

    private let v4: FlowSpace<UInt32>
    private let v6: FlowSpace<UInt128>

    init(_ intent: Intent) {
        v4 = FlowSpace(intent, \.v4) { AddressSet(v4: $0) }
        v6 = FlowSpace(intent, \.v6) { AddressSet(v6: $0) }
    }

    /// What breaks the claim first; nil when nothing does.
    func finding(_ claim: Claim) -> Finding? {
        v4.finding(claim) ?? v6.finding(claim)
    }
}

/// The lines of a policy as connections of one family.
private struct FlowSpace<Bound> where Bound: FixedWidthInteger & UnsignedInteger & Sendable {
    private let family: (AddressSet) -> IntervalSet<Bound>
    private let addresses: (IntervalSet<Bound>) -> AddressSet
    private var allowed: [(box: FlowBox<Bound>, flow: Flow)] = []
    /// Those that always hold, whatever the interface.
    private var denied: [(box: FlowBox<Bound>, flow: Flow)] = []

    init(
        _ intent: Intent,
        _ family: @escaping (AddressSet) -> IntervalSet<Bound>,
        _ addresses: @escaping (IntervalSet<Bound>) -> AddressSet
    ) {
        self.family = family
        self.addresses = addresses
        for flow in intent.flows {
            var destinations = flow.destinations.addresses
            // The other end lets nothing in that only one end was opened for.
            if flow.ends == .outwards { destinations = destinations.subtracting(intent.siteAddresses) }
            let box = FlowBox(
                sources: family(flow.sources.addresses),
                destinations: family(destinations),
                traffic: flow.traffic
            )
            guard !box.isEmpty else { continue }
            if flow.verdict == .accept {
                allowed.append((box, flow))
            } else if flow.inZone == nil, flow.outZone == nil, flow.expires == nil {
                denied.append((box, flow))
            }
        }
    }

    func finding(_ claim: Claim) -> ClaimJudge.Finding? {
        func box(_ traffic: TrafficSet) -> FlowBox<Bound> {
            FlowBox(sources: family(claim.sources), destinations: family(claim.destinations), traffic: traffic)
        }
        switch claim.kind {
        case .never: return excess(box(claim.traffic))
        case .exactly: return excess(box(claim.scope.subtracting(claim.traffic))) ?? lack(box(claim.traffic))
        // What the lines say is what they say; whether the hosts do it is not for this judge.
        case .allow: return nil
        }
    }

    /// A connection of the box that is let through.
    private func excess(_ box: FlowBox<Bound>) -> ClaimJudge.Finding? {
        guard !box.isEmpty else { return nil }
        let denied = denied.map(\.box).filter(box.intersects)
        for (other, flow) in allowed where box.intersects(other) {
            switch box.intersection(other).remainder(without: denied) {
            case .covered: continue
            case .left(let part): return .allowed(Connection(in: part, addresses), by: flow)
            case .undecided: return .undecided
            }
        }
        return nil
    }

    /// A connection of the box that is not let through.
    private func lack(_ box: FlowBox<Bound>) -> ClaimJudge.Finding? {
        guard !box.isEmpty else { return nil }
        if let (other, flow) = denied.first(where: { box.intersects($0.box) }) {
            return .refused(Connection(in: box.intersection(other), addresses), by: flow)
        }
        switch box.remainder(without: allowed.map(\.box)) {
        case .covered: return nil
        case .left(let part): return .refused(Connection(in: part, addresses), by: nil)
        case .undecided: return .undecided
        }
    }
}
