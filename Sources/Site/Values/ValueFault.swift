/// Why a word is not the value it should be.
package struct ValueFault: Error, Equatable {
    /// Goes on from "`word`": `is no address`, `has host bits set`.
    let problem: String
    /// What to write instead.
    let help: String?

    init(_ problem: String, help: String? = nil) {
        self.problem = problem
        self.help = help
    }
}
