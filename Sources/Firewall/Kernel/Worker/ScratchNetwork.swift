import Glibc
import Linux

/// A network that holds nothing but the ruleset that is tried in it.
enum ScratchNetwork {
    /// Moves this process into a network of its own, loads the text there, and lists what the kernel then holds.
    ///
    /// In a user namespace the kernel takes only some hundred rules in one message. A text that is longer is loaded in
    /// pieces: that proves each rule, though not that all fit into one transaction.
    static func hold(_ text: String) throws(KernelFailure) -> [UInt8] {
        do throws(SystemError) {
            _ = try Namespaces.isolateNetwork()
        } catch {
            let limits = "user.max_net_namespaces and user.max_user_namespaces"
            let help = error.code == ENOSPC ? "as many are there as \(limits) (sysctl) allow" : "run it as root"
            throw .unavailable("no network namespace can be made to try the ruleset in (\(error.call)): \(help)")
        }
        do throws(RulesetProblems) {
            let library = try NFTables()
            do throws(RulesetProblems) {
                try library.load(text)
            } catch {
                guard error.isTooLong else { throw error }
                try loadInPieces(text, library)
            }
            return try library.list(.ruleset, json: true)
        } catch {
            throw .refused(error)
        }
    }

    private static func loadInPieces(_ text: String, _ library: borrowing NFTables) throws(RulesetProblems) {
        let script: RulesetScript
        do throws(RulesetScriptError) {
            script = try RulesetScript(text)
        } catch {
            throw RulesetProblems([RulesetProblem(line: error.line, message: error.message)])
        }
        for piece in script.pieces() { try load(piece, library) }
    }

    /// Loads a piece, in halves where it is too long for one message.
    private static func load(_ piece: RulesetScript.Piece, _ library: borrowing NFTables) throws(RulesetProblems) {
        do throws(RulesetProblems) {
            try library.load(piece.text)
        } catch {
            if error.isTooLong, let halves = piece.halves {
                try load(halves.first, library)
                return try load(halves.second, library)
            }
            let lines = piece.lines
            throw error.mapped { lines.indices.contains($0 - 1) ? lines[$0 - 1] : nil }
        }
    }
}
