/// The state cannot be used; says what is wrong, what is known all the same, and what to do.
package struct StateError: Error, Sendable, CustomStringConvertible {
    package let description: String

    /// - Parameters:
    ///   - damage: what is wrong with it.
    ///   - confirmed: what is known without it.
    ///   - remedy: what to do.
    init(_ damage: String, _ confirmed: LastConfirmed?, _ remedy: String) {
        let known =
            confirmed.map(\.ruleset).map {
                "Generation \($0.generation) of \($0.host) was confirmed last (confirmed.nft), and a boot loads that; "
                    + "what waits for a confirmation, what was in force before and which site files are old is not known"
            } ?? "Which ruleset was confirmed is not known: a boot lets in SSH alone"
        description = "\(damage). \(known). To put it right: \(remedy)"
    }
}
