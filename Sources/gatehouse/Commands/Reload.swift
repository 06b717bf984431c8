import ArgumentParser
import Control
import Operations
import Site

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running gateway take over its site file as it is now, whole or not at all.",
        discussion: """
            Exit status: 0 when it is in force; 1, too, when a certificate could not be made that it asks for, as while \
            another process holds the store: that is said. Else the running configuration goes on, and the error says \
            why: 1 for a certificate or a data plane that is at fault, 2 for the site file, 3 for what the machine lacks.
            """
    )

    @OptionGroup var gateway: RunningGateway

    func run() throws {
        try gateway.change(.reload)
    }
}

struct Upgrade: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Have the running gateway go on as the program that its file is now. No connection is refused.",
        discussion: "Exit status: 0 when the new version serves; else the running one goes on, and the error says why."
    )

    @OptionGroup var gateway: RunningGateway

    func run() throws {
        try gateway.change(.upgrade)
    }
}

extension RunningGateway {
    /// Asks for the change, and says what is in force after it.
    fileprivate func change(_ request: AdminRequest) throws {
        let answer = try ask(request, seconds: 60)
        let result = answer.result
        if json {
            print(result.indented)
        } else {
            for warning in result["warnings"]?.items ?? [] { Output.error("warning: \(warning.text ?? "")") }
            print(
                "configuration \(result["generation"]?.integer ?? 0) is in force, served by process "
                    + "\(result["data_plane_pid"]?.integer ?? 0) of version \(result["version"]?.text ?? "-"), "
                    + "\(result["program"]?.text ?? "-")"
            )
        }
        guard answer.exit != 0 else { return }
        let owed = result["owed"]?.items.compactMap(\.text) ?? []
        Output.error(
            "could not be made: \(owed.joined(separator: ", ")); what was there before stays until then. The warnings say why, and "
                + "`gatehouse reload` tries again"
        )
        throw ExitCode(answer.exit)
    }
}
