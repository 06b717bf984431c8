/// What one head has cost before END_HEADERS: its CONTINUATION frames and its bytes as compressed (CVE-2024-27316).
struct HeadBlock {
    private var frames = 0
    private var bytes = 0
    /// The stream that the head is for, as long as END_HEADERS is to come; 0 for none.
    private(set) var stream: Int32 = 0

    /// HEADERS came: a new block.
    mutating func begin(_ frame: FrameHeader) {
        frames = 0
        bytes = frame.length
        stream = frame.endsHeaders ? 0 : frame.stream
    }

    /// CONTINUATION came.
    mutating func extend(_ frame: FrameHeader) {
        frames += 1
        bytes += frame.length
        if frame.endsHeaders { stream = 0 }
    }

    func isWithin(_ budgets: HTTP2Budgets) -> Bool {
        frames <= budgets.continuationFrames && bytes <= budgets.headBlockBytes
    }
}
