import Linux

/// What whoever runs the tests asks of those that draw at random.
enum Soak {
    /// The number in a variable of the environment, such as `GATEHOUSE_SOAK_SENT`.
    static func setting(_ name: String, usual: Int) -> Int {
        Environment.value(name).flatMap { Int($0) } ?? usual
    }

    /// `GATEHOUSE_SOAK_SEED`; without it another one in each run of the tests. It is said before it is used, and at once, so that
    /// a run that traps can be run again, too.
    static func drawnSeed(of test: String) -> UInt64 {
        let seed = UInt64(setting("GATEHOUSE_SOAK_SEED", usual: Int.random(in: 1...Int.max)))
        StandardError.write("\(test): seed \(seed)\n")
        return seed
    }

    /// `GATEHOUSE_SOAK_SEED`; without it the same one in each run of the tests, and another one in each soak.
    static var seed: UInt64 {
        let isSoak = ["RULESETS", "POLICIES"].contains { Environment.value("GATEHOUSE_SOAK_\($0)") != nil }
        return UInt64(setting("GATEHOUSE_SOAK_SEED", usual: isSoak ? Int.random(in: 1...Int.max) : 2_780_699_344_374))
    }
}
