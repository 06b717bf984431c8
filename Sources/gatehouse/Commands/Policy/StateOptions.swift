import ArgumentParser
import Firewall
import Linux

extension ExitCode {
    /// Says on standard error why something is not done.
    static func refusal(_ kind: ApplyError.Kind, _ text: String) -> ExitCode {
        Output.error(text)
        return ExitCode(kind.rawValue)
    }
}

/// Where the state of this machine's firewall is.
struct StateOptions: ParsableArguments {
    @Option(help: "The folder of the applied rulesets.")
    var state = StateFolder.standard

    /// Runs an act, and ends with its status when it fails.
    func perform<Result>(_ body: (Applier) throws -> Result) throws -> Result {
        do {
            let folder = try StateFolder(state)
            guard !folder.isClosed else {
                throw ApplyError(
                    .machine,
                    "\(folder.path): this user may not look into it, since the firewall is root's: run it as root "
                        + "(`sudo gatehouse policy …`)"
                )
            }
            return try body(Applier(folder))
        } catch let error as ApplyError {
            Output.error(error.description)
            throw ExitCode(error.kind.rawValue)
        } catch let error as FileError {
            Output.error("\(error)")
            throw ExitCode(3)
        }
    }
}
