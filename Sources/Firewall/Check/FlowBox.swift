import Site

/// Connections of one family: from every source to every destination, with any of the traffic.
struct FlowBox<Bound> where Bound: FixedWidthInteger & UnsignedInteger & Sendable {
    let sources: IntervalSet<Bound>
    let destinations: IntervalSet<Bound>
    let traffic: TrafficSet

    var isEmpty: Bool { sources.isEmpty || destinations.isEmpty || traffic.isEmpty }

    func intersects(_ other: FlowBox) -> Bool {
        traffic.intersects(other.traffic) && destinations.intersects(other.destinations)
            && sources.intersects(other.sources)
    }

    func intersection(_ other: FlowBox) -> FlowBox {
        FlowBox(
            sources: sources.intersection(other.sources),
            destinations: destinations.intersection(other.destinations),
            traffic: traffic.intersection(other.traffic)
        )
    }

    /// What is left without another box: up to three boxes that share nothing.
    func subtracting(_ other: FlowBox) -> [FlowBox] {
        let common = intersection(other)
        guard !common.isEmpty else { return [self] }
        return [
            FlowBox(sources: sources.subtracting(other.sources), destinations: destinations, traffic: traffic),
            FlowBox(
                sources: common.sources,
                destinations: destinations.subtracting(other.destinations),
                traffic: traffic
            ),
            FlowBox(
                sources: common.sources,
                destinations: common.destinations,
                traffic: traffic.subtracting(other.traffic)
            ),
        ].filter { !$0.isEmpty }
    }

    /// A part of the box that none of others has; `.covered` when there is none.
    ///
    /// - Parameter steps: how many boxes may be looked at; the count of parts can double with each of the others.
    func remainder(without others: [FlowBox], steps: Int = 100_000) -> FlowRemainder<FlowBox> {
        let others = others.filter(intersects)
        var stack = [(self, 0)]
        var steps = steps
        while let (box, first) = stack.popLast() {
            steps -= 1
            guard steps > 0 else { return .undecided }
            guard let next = others[first...].firstIndex(where: box.intersects) else { return .left(box) }
            for part in box.subtracting(others[next]) { stack.append((part, next + 1)) }
        }
        return .covered
    }
}

/// What is left of connections when others are taken away.
enum FlowRemainder<Part> {
    case covered
    case left(Part)
    /// There were too many to look at.
    case undecided
}
