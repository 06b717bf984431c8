import Linux

/// What whoever runs the tests asks of those that draw at random.
enum Soak {
    /// The number in a variable of the environment, such as `GATEHOUSE_SOAK_SENT`.
    static func setting(_ name: String, usual: Int) -> Int {
        Environment.value(name).flatMap { Int($0) } ?? usual
    }

    /// `GATEHOUSE_SOAK_SEED`; without it another one each time.
    static var seed: UInt64 { UInt64(setting("GATEHOUSE_SOAK_SEED", usual: Int.random(in: 1...Int.max))) }
}
