package import Linux

/// How a build knows that a region was laid out by one that means the same by every word.
extension SharedState {
    private static let markWord = 0
    private static let formWord = 1
    /// "GATEHOUS" as text: what a region begins with.
    private static let mark: UInt64 = 0x4741_5445_484F_5553

    /// A number of all that gives words their meaning: FNV-1a of their names, in their order, and of the room kept
    /// for them. Two builds that lay the region out in other ways have other numbers.
    package static let form: UInt64 = {
        let words: [String] = [
            "\(Layout.header) \(PoolWord.count) \(ServerWord.count) \(Counter.room) \(PoolCounter.room)",
            "\(PoolWord.allCases) \(ServerWord.allCases) \(Counter.allCases)",
            "\(GlitchCounter.seen(0)) \(GlitchCounter.names.map { "\($0)" })",
            "\(RefusalCounter.word(at: 0)) \(RefusalCounter.names)",
            "\(HandshakeFailureCounter.word(at: 0)) \(HandshakeFailureCounter.names)",
            "\(PoolCounter.classes) \(PoolCounter.buckets) \(PoolCounter.sum) \(PoolCounter.bounds)",
            "\(HealthVerdicts.Failure.allCases)",
        ]
        return words.joined(separator: "/").utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }()

    /// Marks a new region as one of this build's form.
    package static func sign(_ region: SharedMapping) {
        region.store(markWord, mark)
        region.store(formWord, form)
    }

    /// Whether a region is of this build's form.
    package static func isSigned(_ region: SharedMapping) -> Bool {
        region.count > formWord && region.load(markWord) == mark && region.load(formWord) == form
    }
}
