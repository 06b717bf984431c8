extension DiagramStore {
    /// A set as boxes of which none holds another's packet; when there are more than `atMost`, at least how many more.
    func boxes(of region: PacketFunction, atMost count: Int) -> (boxes: [Box], omitted: Int) {
        var boxes: [Box] = []
        var omitted = 0
        collect(region, Box(), count, &boxes, &omitted)
        return (boxes, omitted)
    }

    private func collect(_ node: PacketFunction, _ box: Box, _ count: Int, _ boxes: inout [Box], _ omitted: inout Int) {
        guard omitted < 1000 else { return }
        guard let (dimension, branches) = branches(node) else {
            guard node == .all else { return }
            if boxes.count < count { boxes.append(box) } else { omitted += 1 }
            return
        }
        var order: [PacketFunction] = []
        var ranges: [PacketFunction: [ClosedRange<UInt128>]] = [:]
        for branch in branches where branch.child != PacketFunction.none {
            if ranges[branch.child] == nil { order.append(branch.child) }
            ranges[branch.child, default: []].append(branch.range)
        }
        for child in order {
            var narrowed = box
            narrowed.restrict(dimension, to: IntervalSet(ranges[child] ?? []))
            collect(child, narrowed, count, &boxes, &omitted)
        }
    }
}
