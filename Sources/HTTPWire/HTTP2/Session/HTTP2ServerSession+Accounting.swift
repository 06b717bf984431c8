import Bytes

/// What the client's frames cost it, before the library sees them.
extension HTTP2ServerSession {
    /// Charges a glitch, and ends the session when it is one too many.
    func charge(_ glitch: HTTP2Glitch) {
        guard closing == nil else { return }
        if !budget.charge(glitch, now: now) { closing = .abuse(glitch) }
    }

    /// Ends the session because a hard bound was crossed, whatever is left in the budgets.
    func exceed(_ glitch: HTTP2Glitch) {
        guard closing == nil else { return }
        budget.exceeded(glitch)
        closing = .abuse(glitch)
    }

    /// Charges all frames whose headers end in `input`.
    func account(_ input: Span<UInt8>) {
        var position = 0
        while closing == nil, let frame = scanner.next(in: input, at: &position) { account(frame) }
    }

    private func account(_ frame: FrameHeader) {
        lastFrame = frame
        switch frame.type {
        case FrameType.data:
            if frame.length <= frame.paddingField && !frame.endsStream {
                charge(.emptyData)
            } else if frame.stream <= lastServed && !wire.isOpen(frame.stream) {
                charge(.uselessFrame)
            }
        case FrameType.headers:
            headBlock.begin(frame)
            if !headBlock.isWithin(budget.budgets) { exceed(.continuation) }
            if draining == .final && frame.stream > lastServed { charge(.lateStream) }
        case FrameType.continuation:
            charge(.continuation)
            headBlock.extend(frame)
            if !headBlock.isWithin(budget.budgets) { exceed(.continuation) }
        case FrameType.priority, FrameType.priorityUpdate: charge(.priority)
        case FrameType.reset: charge(.resetReceived)
        case FrameType.settings: if !frame.isAcknowledgement { charge(.settings) }
        case FrameType.ping: charge(.ping)
        case FrameType.windowUpdate: charge(.windowUpdate)
        default: charge(.uselessFrame)
        }
    }
}
