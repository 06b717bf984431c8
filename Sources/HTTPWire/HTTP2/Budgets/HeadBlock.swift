/// What one head has cost before END_HEADERS: its CONTINUATION frames and its bytes as compressed (CVE-2024-27316).
struct HeadBlock {
    private var frames = 0
    private var bytes = 0

    /// HEADERS came: a new block.
    mutating func begin(length: Int) {
        frames = 0
        bytes = length
    }

    /// CONTINUATION came.
    mutating func extend(length: Int) {
        frames += 1
        bytes += length
    }

    func isWithin(_ budgets: HTTP2Budgets) -> Bool {
        frames <= budgets.continuationFrames && bytes <= budgets.headBlockBytes
    }
}
