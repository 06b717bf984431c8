import ArgumentParser
import Control
import Operations
import Site

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running gateway take over its site file as it is now, whole or not at all.",
        discussion: """
            Exit status: 0 when it is in force. Else the running configuration goes on, and the error says why: 1 for \
            a certificate or a data plane that is at fault, 2 for the site file, 3 for what the machine lacks.
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
        let result = try ask(request, seconds: 60).result
        if json { return print(result.indented) }
        for warning in result["warnings"]?.items ?? [] { Output.error("warning: \(warning.text ?? "")") }
        print(
            "configuration \(result["generation"]?.integer ?? 0) is in force, served by process "
                + "\(result["data_plane_pid"]?.integer ?? 0) of version \(result["version"]?.text ?? "-"), "
                + "\(result["program"]?.text ?? "-")"
        )
    }
}
